using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Kernel.Rewards;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Fitting;

/// <summary>A picture of the model that a reward is fitted to.</summary>
/// <param name="Latents">What it is decoded from, [C, ...].</param>
/// <param name="Prompt">Its caption.</param>
/// <param name="Image">Its number among the pictures of that caption.</param>
/// <param name="Score">What the other reward says of it.</param>
/// <param name="Gradient">The gradient of that with respect to the latents, [C, ...]; null where there is none.</param>
internal sealed record Drawn(Tensor Latents, Prompt Prompt, int Image, double Score, Tensor? Gradient);

/// <summary>
/// The samples that a reward is fitted to. A drawn picture gives a row at each noise level, with the score of what it is without noise. Where the other reward has a gradient, that is learnt, too: what a run
/// follows is slopes, and scores of drawn pictures alone say little of them.
/// </summary>
/// <param name="model">Encodes, decodes.</param>
/// <param name="size">The size of the pictures.</param>
/// <param name="stages">Hear of it.</param>
internal sealed class FitSamples(IModel model, ImageSize size, OpenStages stages)
{
    // How far on both sides of a sample derivatives are taken, as a part of its length.
    private const double Aside = 0.01;

    /// <summary>The noise levels.</summary>
    public required IReadOnlyList<double> Sigmas { get; init; }

    /// <summary>The key of noise.</summary>
    public required RandomKey Random { get; init; }

    /// <summary>Scores latents with the reward that is learnt from, by their pictures.</summary>
    /// <param name="source">The reward.</param>
    /// <param name="latents">[B, C, ...].</param>
    /// <param name="prompts">B prompts.</param>
    /// <returns>[B], with gradient where gradients are enabled and the reward has one.</returns>
    public Tensor ScoresOf(RunReward source, Tensor latents, IReadOnlyList<Prompt> prompts)
    {
        var images = stages.Run("decode", () => model.Decode(latents));
        return new PictureScoring([source], stages).All(images, prompts)[0].Scores;
    }

    /// <summary>The gradient of that reward with respect to the latents, [B, C, ...]; null where it has none.</summary>
    public Tensor? GradientOf(RunReward source, Tensor latents, IReadOnlyList<Prompt> prompts)
    {
        if (!source.IsDifferentiable) return null;
        using var scope = NewDisposeScope();
        using var _ = enable_grad();
        var point = latents.detach().requires_grad_();
        return autograd.grad([ScoresOf(source, point, prompts).sum()], [point])[0].MoveToOuterDisposeScope();
    }

    /// <summary>The gradient of what is fitted with respect to the latents, on the scale of what it is fitted to.</summary>
    /// <param name="fit">What is fitted.</param>
    /// <param name="latents">Clean, [B, C, ...].</param>
    /// <param name="prompts">B prompts.</param>
    /// <returns>[B, C, ...].</returns>
    public Tensor GradientOf(IRewardFit fit, Tensor latents, IReadOnlyList<Prompt> prompts)
    {
        using var scope = NewDisposeScope();
        using var _ = enable_grad();
        var point = latents.detach().requires_grad_();
        return autograd.grad([fit.Score(Features(fit, point, prompts, 0, []), [0]).sum()], [point])[0].MoveToOuterDisposeScope();
    }

    /// <summary>How the direction of the gradient of what is fitted agrees with that of the other reward, both with respect to the latents.</summary>
    /// <param name="fit">What is fitted.</param>
    /// <param name="samples">With gradients.</param>
    /// <returns>The cosine of the two at each sample, over all numbers of the latents.</returns>
    public double[] Cosines(IRewardFit fit, IEnumerable<Drawn> samples) => [.. samples.Select(sample =>
    {
        using var scope = NewDisposeScope();
        var own = GradientOf(fit, sample.Latents.unsqueeze(0), [sample.Prompt]);
        return nn.functional.cosine_similarity(own.flatten().to(ScalarType.Float64), sample.Gradient!.flatten().to(ScalarType.Float64), dim: 0).item<double>();
    })];

    /// <summary>The mean of <see cref="Cosines"/>; null where the other reward has no gradient.</summary>
    /// <param name="fit">What is fitted.</param>
    /// <param name="samples">At least one.</param>
    public double? Agreement(IRewardFit fit, IEnumerable<Drawn> samples)
    {
        Drawn[] all = [.. samples];
        return all[0].Gradient is null ? null : Cosines(fit, all).Average();
    }

    /// <summary>
    /// What moves the gradient of what is fitted towards another: the derivative of <c>Σ ‖∇h − g‖² / Σ ‖g‖²</c> with respect to ∇h is a direction, and the derivative of h along it is taken from
    /// features on both sides of each sample.
    /// </summary>
    /// <param name="fit">What is fitted, h.</param>
    /// <param name="latents">Clean, [S, C, ...].</param>
    /// <param name="prompts">S prompts.</param>
    /// <param name="gradient">g, [S, C, ...].</param>
    /// <param name="scale">The scale of what it is fitted to.</param>
    public FitSlopes Slopes(IRewardFit fit, Tensor latents, IReadOnlyList<Prompt> prompts, Tensor gradient, double scale)
    {
        var wrong = (GradientOf(fit, latents, prompts) - gradient) / scale;
        var (length, step) = (Length(wrong), Length(latents) * Aside);
        var along = wrong / length.clamp_min(float.Epsilon) * step;
        var all = (gradient / scale).flatten(1).square().sum(1).mean().clamp_min(float.Epsilon);
        return new FitSlopes(Features(fit, latents + along, prompts, 0, []), Features(fit, latents - along, prompts, 0, []), [0], (length / step).flatten() / all);
    }

    /// <summary>The features of samples at a noise level.</summary>
    /// <param name="fit">Says what it looks at.</param>
    /// <param name="latents">Clean, [B, C, ...].</param>
    /// <param name="prompts">B prompts.</param>
    /// <param name="sigma">The level; the noise of a sample is that of its key.</param>
    /// <param name="keys">B keys.</param>
    /// <returns>[B, n].</returns>
    public Tensor Features(IRewardFit fit, Tensor latents, IReadOnlyList<Prompt> prompts, double sigma, IReadOnlyList<RandomKey> keys)
    {
        using var scope = NewDisposeScope();
        var noisy = sigma == 0 ? latents : (latents * (1 - sigma)) + (RandomKey.NormalOfEach(keys.Select(key => key.For(FormattableString.Invariant($"sigma={sigma:R}"))), latents.shape.AsSpan(1), latents.device) * sigma);
        using var samples = new LatentSamples(noisy, [sigma], prompts, () => ScoredSamples.Encoded(model, size, stages, prompts));
        return stages.Run("features", () => fit.Features(samples)).MoveToOuterDisposeScope();
    }

    /// <summary>The key of a sample's noise.</summary>
    public RandomKey Key(Prompt prompt, int image) => Random.For("prompt", prompt.Id).For("image", image);

    /// <summary>The numbers of a tensor of scores.</summary>
    /// <exception cref="FaultException">LA5031: one is not finite.</exception>
    public static double[] Numbers(Tensor scores, string source, IReadOnlyList<Prompt> prompts)
    {
        using var scope = NewDisposeScope();
        var values = scores.detach().to(ScalarType.Float64).cpu().data<double>().ToArray();
        var bad = Array.FindIndex(values, static value => !double.IsFinite(value));
        return bad < 0 ? values : throw new FaultException(new Fault.Run(FaultCodes.CannotFit, FormattableString.Invariant($"'{source}' gave {values[bad]} to '{prompts[bad].Text}'; nothing can be fitted to that")));
    }

    // [B, 1, ...].
    private static Tensor Length(Tensor values) => values.flatten(1).norm(1, keepdim: true).view([-1, .. Enumerable.Repeat(1L, (int)values.dim() - 1)]);
}
