using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Telemetry.Spans;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Pictures;

/// <summary>Pictures of one size.</summary>
/// <param name="Size">In pixels.</param>
/// <param name="Latents">What they are to the model.</param>
internal sealed record PictureSpace(ImageSize Size, LatentSpace Latents)
{
    /// <summary>The pictures of a size.</summary>
    /// <returns>The model's fault when the size does not fit it.</returns>
    public static Result<PictureSpace> Of(IModel model, ImageSize size) => model.Latents(size).Map(latents => new PictureSpace(size, latents));
}

/// <summary>A picture to sample.</summary>
/// <param name="Prompt">Its prompt.</param>
/// <param name="Image">Its number among the pictures of that prompt.</param>
internal sealed record PictureRequest(Prompt Prompt, int Image)
{
    /// <summary>Every picture of every prompt, prompt by prompt.</summary>
    public static IEnumerable<PictureRequest> All(IEnumerable<Prompt> prompts, int imagesPerPrompt) =>
        prompts.SelectMany(prompt => Enumerable.Range(0, imagesPerPrompt).Select(image => new PictureRequest(prompt, image)));
}

/// <summary>
/// Prompts to pictures without gradient. The noise of a picture depends on the key, its prompt and its number alone: not on the batch it is in.
/// </summary>
internal sealed class PictureSampling(IModel model, ISampler sampler, Guidance guidance, OpenStages stages)
{
    private readonly ISampler _sampler = StagedSampler.Of(sampler, stages);

    /// <summary>The noise levels.</summary>
    public required Schedule Schedule { get; init; }

    /// <summary>The key of all noise.</summary>
    public required RandomKey Noise { get; init; }

    /// <summary>The size of the pictures and their latents.</summary>
    public required PictureSpace Pictures { get; init; }

    public required Device Device { get; init; }

    /// <summary>Whether a stochastic sampler adds noise at each step; otherwise every sampler follows the flow's ODE.</summary>
    public bool Stochastic { get; init; }

    /// <summary>Writes the captions that are drawn, and says what they wear; null for those of the prompts, which wear nothing.</summary>
    public IConditioningSource? Writer { get; init; }

    /// <summary>The run's adapter, which holds what is worn; null where nothing is.</summary>
    public IAttachedAdapter? Adapter { get; init; }

    /// <summary>Is shown what comes of each sampling step, from 0, and of decoding, which has no number; null when nobody looks.</summary>
    public Action<Tensor, int?>? Shown { get; init; }

    /// <summary>Samples a batch.</summary>
    /// <returns>[B, 3, H, W] in [0, 1].</returns>
    public Tensor Sample(IReadOnlyList<PictureRequest> batch)
    {
        var (latents, pictures) = Draw(batch);
        latents.Dispose();
        return pictures;
    }

    /// <summary>Samples a batch.</summary>
    /// <returns>Clean latents, [B, C, h, w], and what they are decoded into, [B, 3, H, W] in [0, 1].</returns>
    public (Tensor Latents, Tensor Pictures) Draw(IReadOnlyList<PictureRequest> batch)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        var (captions, worn) = Written([.. batch.Select(static picture => picture.Prompt.Text)]);
        var groups = WornAdapters.Groups(worn, batch.Count);
        var adapters = new WornAdapters(Adapter);
        List<Conditioning> conditionings = [];
        try
        {
            foreach (var group in groups) conditionings.Add(Conditioned([.. group.Places.Select(place => captions[place])], guidance));
            var noise = NoiseOf(Noise, batch, Pictures.Latents.Shape, Device);
            var latents = _sampler.Roll(noise, new SamplingPath(Schedule, Velocity) { Map = MeanVelocity, Noise = Stochastic ? Fresh : static _ => null });
            var pictures = stages.Run("decode", () => model.Decode(latents));
            Shown?.Invoke(pictures, null);
            return (latents.MoveToOuterDisposeScope(), pictures.MoveToOuterDisposeScope());
        }
        finally
        {
            foreach (var conditioning in conditionings) conditioning.Dispose();
        }

        NetworkCall Call(int group, int step) => new((double)conditionings[group].EvaluationsPerVelocity * groups[group].Places.Length / batch.Count, Gradient: false, groups[group].Places.Length, Schedule.Sigma(step));

        Tensor MeanVelocity(Tensor state, int from, int to)
        {
            var velocity = adapters.Each(groups, state, (group, rows) => stages.MeanVelocity(model, Call(group, from), (rows, [(Schedule.Sigma(from), Schedule.Sigma(to))], conditionings[group])));
            Shown?.Invoke(velocity, from);
            return velocity;
        }

        Tensor Velocity(Tensor state, int step)
        {
            var velocity = adapters.Each(groups, state, (group, rows) => stages.Velocity(model, Call(group, step), (rows, [Schedule.Sigma(step)], conditionings[group])));
            Shown?.Invoke(velocity, step);
            return velocity;
        }

        Tensor Fresh(int step) => Stack(batch, "sampler", step);
    }

    /// <summary>The noise that pictures begin as.</summary>
    /// <param name="noise">The key of all noise.</param>
    /// <param name="pictures">B pictures.</param>
    /// <param name="shape">The latents of one, [C, h, w].</param>
    /// <param name="device">Where it goes.</param>
    /// <returns>fp32, [B, C, h, w].</returns>
    public static Tensor NoiseOf(RandomKey noise, IReadOnlyList<PictureRequest> pictures, IReadOnlyList<long> shape, Device device) =>
        RandomKey.NormalOfEach(pictures.Select(picture => Key(noise, picture)), [.. shape], device);

    private (IReadOnlyList<string> Captions, IReadOnlyList<IReadOnlyList<string>> Worn) Written(IReadOnlyList<string> own)
    {
        if (Writer is null) return (own, []);
        using var plain = Conditioned(own, Guidance.None);
        var embeddings = ((IFeatureModel)model).Captions(plain);
        return (Writer.Write(own, embeddings), Writer.Wear(own, embeddings) ?? []);
    }

    private Conditioning Conditioned(IReadOnlyList<string> captions, Guidance by) => stages.Encode(model, new ConditioningRequest(captions, by, Pictures.Size));

    private Tensor Stack(IReadOnlyList<PictureRequest> batch, string purpose, int step) =>
        RandomKey.NormalOfEach(batch.Select(picture => Key(Noise, picture).For(purpose, step)), [.. Pictures.Latents.Shape], Device);

    private static RandomKey Key(RandomKey noise, PictureRequest picture) => noise.For("prompt", picture.Prompt.Id).For("image", picture.Image);
}
