using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Samples;

/// <summary>Which samples share training times and noise. Each has its own noise, unless it is shared, but all of a micro-batch have its training times.</summary>
/// <param name="Times">The key of a micro-batch's training times.</param>
/// <param name="Noise">ε of a micro-batch's training time of that number, in the shape of the latents; the same at every call.</param>
internal sealed record PointDraws(Func<CleanSamples, RandomKey> Times, Func<CleanSamples, int, Tensor> Noise)
{
    private const string TimesPurpose = "training-times";
    private const string NoisePurpose = "training-noise";

    /// <summary>Times of a micro-batch's own, noise of a sample's own; the sides of a pair are one sample twice, and share it.</summary>
    public static PointDraws Own { get; } = new(static samples => samples.Batch.Random.For(TimesPurpose), static (samples, time) => samples.Batch.Normal(NoisePurpose, time));

    /// <summary>The same, but the sides of a pair have noise of their own.</summary>
    public static PointDraws NoiseOfEach { get; } = Own with { Noise = static (samples, time) => NoiseOfSides(samples, time) };

    /// <summary>Training times shared by the whole step, noise by the samples of a prompt at all of its times (DGPO).</summary>
    public static PointDraws ByGroup(AlignmentStep step) => new(_ => step.Random.For(TimesPurpose), (samples, _) => GroupNoise(step.Random, samples));

    private static Tensor NoiseOfSides(CleanSamples samples, int time)
    {
        // The sides are one sample as often as there are sides, and have the same noise under the same purpose.
        Tensor Side(int side) => samples.Batch.Normal(side == 0 ? NoisePurpose : FormattableString.Invariant($"{NoisePurpose}-{side}"), time).narrow(0, 0, samples.Distinct);
        return cat([.. Enumerable.Range(0, samples.Sides).Select(Side)]);
    }

    private static Tensor GroupNoise(RandomKey key, CleanSamples samples)
    {
        long[] shape = [.. samples.Latents.shape.Skip(1)];
        var noise = samples.Batch.Prompts.Select(static prompt => prompt.Id).Distinct()
            .ToDictionary(static id => id, id => key.For(NoisePurpose, id).Normal(shape, samples.Latents.device));
        return stack([.. samples.Batch.Prompts.Select(prompt => noise[prompt.Id])]);
    }
}
