using LeapAlign.Contracts.Algorithms;
using LeapAlign.Methods.Matching;
using LeapAlign.Methods.Times;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Samples;

/// <summary>One training time of a micro-batch of clean samples.</summary>
internal sealed class TrainingPoint
{
    /// <summary>The samples.</summary>
    public required CleanSamples Samples { get; init; }

    /// <summary>One σ for all samples, or one for each.</summary>
    public required IReadOnlyList<double> Sigmas { get; init; }

    /// <summary>Draws ε; the same at every call.</summary>
    public required Func<Tensor> Noise { get; init; }

    public MicroBatch Batch => Samples.Batch;

    /// <summary>The points of a step, micro-batch by micro-batch, in each of which the order of times is random.</summary>
    /// <param name="samples">The micro-batches.</param>
    /// <param name="times">Their training times.</param>
    /// <param name="draws">Which of them share draws.</param>
    public static IReadOnlyList<TrainingPoint> Of(IEnumerable<CleanSamples> samples, TrainingTimes times, PointDraws draws) =>
        [.. samples.SelectMany(batch => Points(batch, times.Draw(draws.Times(batch), batch.Batch.Schedule, batch.Distinct), draws))];

    /// <summary>x_σ and the velocity to match.</summary>
    public NoisedSamples Noised() => new(Samples.Latents, Noise().to(Samples.Latents.dtype), Sigmas);

    /// <summary>[B], fp64, on the device of the latents.</summary>
    public Tensor Vector(double[] values) => tensor(values, dtype: ScalarType.Float64).to(Samples.Latents.device);

    /// <summary>The objective that is the mean of losses, with what was measured.</summary>
    /// <param name="losses">One for each sample or pair, fp64.</param>
    /// <param name="measurements">Beside the reward.</param>
    public Objective Mean(Tensor losses, params IReadOnlyList<Measurement> measurements)
    {
        var loss = losses.mean().to(Samples.Latents.dtype);
        return new Objective(loss, Samples.Rewards is { } rewards ? [new Measurement("reward", rewards), .. measurements] : measurements).From(Batch);
    }

    private static IEnumerable<TrainingPoint> Points(CleanSamples samples, IReadOnlyList<IReadOnlyList<double>> times, PointDraws draws) =>
        times.Select((sigmas, time) => new TrainingPoint
        {
            Samples = samples,
            Sigmas = sigmas.Count == 1 ? sigmas : [.. Enumerable.Repeat(sigmas, samples.Sides).SelectMany(static side => side)],
            Noise = () => draws.Noise(samples, time),
        });
}
