using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Pictures;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Runs;
using LeapAlign.Host.Scored;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Likelihoods;

/// <summary>The likelihoods of pictures, one after the other.</summary>
/// <param name="plan">Guidance.</param>
/// <param name="options">What the command line says.</param>
/// <param name="living">The model, the sampler whose noise levels are taken, and where tensors live.</param>
/// <param name="stages">Hear of it.</param>
internal sealed class LikelihoodWork(RunPlan plan, LikelihoodOptions options, (IModel Model, ISampler Sampler, Device Device) living, OpenStages stages)
{
    private readonly RandomKey _random = RandomKey.OfRun(options.Seed).For("likelihood");

    /// <summary>Pictures of files, as the autoencoder of the model has them.</summary>
    public Result<IReadOnlyList<LikelihoodRow>> OfFiles(IReadOnlyList<ScoredPicture> pictures, CancellationToken stop) => pictures.Select((picture, number) =>
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        var image = stages.Run("read pictures", () => PictureFile.Read(picture.Path, picture.Name).to(living.Device)).unsqueeze(0);
        var size = new ImageSize((int)image.shape[3], (int)image.shape[2]);
        return from space in PictureSpace.Of(living.Model, size).Match(Result.Ok, fault => fault with { Place = new SourcePlace(picture.Name) })
               let flow = Flow(space)
               from _ in flow.Check(space.Latents.Shape, picture.Name)
               let latents = stages.Run("encode pictures", () => living.Model.Encode(image))
               select new LikelihoodRow(picture.Name, picture.Prompt.Text, size, With(space, picture.Prompt, conditioning => flow.OfSample(latents, new SampledFlow(picture.Name, conditioning, _random.For("picture", number)), stop)));
    }).All();

    /// <summary>Pictures that the flow's ODE draws for captions: the noise of each is that of <c>generate</c> under the same seed.</summary>
    public Result<IReadOnlyList<LikelihoodRow>> OfDrawn(IReadOnlyList<Prompt> prompts, CancellationToken stop) =>
        from space in PictureSpace.Of(living.Model, options.Size ?? living.Model.NativeSize)
        let flow = Flow(space)
        from _ in flow.Check(space.Latents.Shape, "drawn pictures")
        from rows in PictureRequest.All(prompts, options.Drawn).Select((request, number) =>
        {
            using var scope = NewDisposeScope();
            using var gradients = no_grad();
            var name = FormattableString.Invariant($"{request.Prompt.Id:D4}-{request.Image:D2}");
            var noise = PictureSampling.NoiseOf(Generation.KeyOf(options.Seed), [request], space.Latents.Shape, living.Device);
            var likelihood = With(space, request.Prompt, conditioning => flow.OfNoise(noise, new SampledFlow(name, conditioning, _random.For("picture", number)), stop));
            return Result.Ok(new LikelihoodRow(name, request.Prompt.Text, space.Size, likelihood));
        }).All()
        select rows;

    private FlowLikelihood Flow(PictureSpace space) => new(living.Model, options.Forms, stages)
    {
        Schedule = living.Sampler.CreateSchedule(living.Model.Scheduling.For(space.Latents), options.Steps),
        Solver = options.Solver,
        Products = options.Products,
        Tile = options.Tile,
    };

    private SampleLikelihood With(PictureSpace space, Prompt prompt, Func<Conditioning, SampleLikelihood> work)
    {
        using var conditioning = stages.Encode(living.Model, new ConditioningRequest([prompt.Text], plan.GuidanceAfter(living.Model), space.Size));
        return work(conditioning);
    }
}
