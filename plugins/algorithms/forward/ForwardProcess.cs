using LeapAlign.Algorithms.Forward.Samples;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Methods.Times;
using LeapAlign.Pipeline;

namespace LeapAlign.Algorithms.Forward;

/// <summary>
/// What the methods of this plugin share: clean samples, noised at training times, one loss for each time of each micro-batch, so that a step of any size needs
/// memory for one.
/// </summary>
/// <param name="algorithm">Its id.</param>
/// <param name="sampling">Training times.</param>
/// <param name="updates">Optimizer updates of a step.</param>
internal sealed class ForwardProcess(string algorithm, TimeSampling sampling, int updates)
{
    /// <summary>The process of a method's settings.</summary>
    public ForwardProcess(string algorithm, ForwardSettings settings)
        : this(algorithm, settings.Sampling(), settings.Updates)
    {
    }

    /// <summary>Draws training times.</summary>
    public TrainingTimes Times { get; } = new(sampling);

    /// <summary>The points at which a step trains, micro-batch by micro-batch.</summary>
    /// <param name="samples">The micro-batches.</param>
    /// <param name="draws">Which of them share draws; null for none.</param>
    public IReadOnlyList<TrainingPoint> Points(IEnumerable<CleanSamples> samples, PointDraws? draws = null) => TrainingPoint.Of(samples, Times, draws ?? PointDraws.Own);

    /// <summary>The updates of a step in which every point counts the same.</summary>
    public Updates Updates(AlignmentStep step, IReadOnlyList<TrainingPoint> points) => Updates(step, points, static _ => 1);

    /// <summary>The updates of a step in which every sample counts the same, however many a point has.</summary>
    public Updates UpdatesBySamples(AlignmentStep step, IReadOnlyList<TrainingPoint> points) => Updates(step, points, static point => point.Samples.Latents.shape[0]);

    /// <summary>The objectives of points, made one by one.</summary>
    public static IEnumerable<Objective> Descend(IReadOnlyList<TrainingPoint> points, Updates portions, Func<TrainingPoint, Objective> objective) =>
        portions.Descend(index => objective(points[index]));

    private Updates Updates(AlignmentStep step, IReadOnlyList<TrainingPoint> points, Func<TrainingPoint, double> weight)
    {
        var batches = step.Batches.Count / step.Shards;
        return new Updates(points.Select(weight), updates, [.. points.Select(point => point.Batch.Index / batches)], step.Shards);
    }

    /// <summary>Says whether there are training times, and enough of them for the updates.</summary>
    public Result<Unit> Check(RunShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return Times.Check(algorithm, shape.Schedule.Steps).Bind(_ => CheckUpdates(shape));
    }

    private Result<Unit> CheckUpdates(RunShape shape)
    {
        var times = Times.Count(shape.Schedule.Steps);
        return updates <= times * shape.Accumulation / shape.Shards
            ? Unit.Value
            : new Fault.Composition(
                FaultCodes.SettingsDoNotFit,
                $"'{algorithm}' makes {updates} updates in a step, but has no more than {times} training times of {shape.Accumulation / shape.Shards} micro-batches{(shape.Shards > 1 ? $" in each of its {shape.Shards} shards" : "")}; lower updates or raise run.accumulation");
    }
}
