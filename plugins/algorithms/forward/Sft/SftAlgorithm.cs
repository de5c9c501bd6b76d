using LeapAlign.Algorithms.Forward.Samples;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Methods.Matching;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Sft;

/// <summary>
/// Supervised fine-tuning by flow matching (arXiv 2210.02747): <c>mean (v − (ε − x_0))²</c> on the pictures that come with the prompts. Nothing is rolled out
/// and no reward is evaluated.
/// </summary>
/// <param name="settings">Training times.</param>
public sealed class SftAlgorithm(SftSettings settings) : IAlgorithm
{
    private readonly ForwardProcess _process = new("sft", settings.Sampling(), updates: 1);

    /// <inheritdoc/>
    public Result<Unit> Check(RunShape shape) => _process.Check(shape);

    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return Objectives(step);
    }

    private IEnumerable<Objective> Objectives(AlignmentStep step)
    {
        var points = _process.Points(step.Batches.Select(batch => Pictures(step, batch)));
        foreach (var objective in ForwardProcess.Descend(points, _process.Updates(step, points), Objective)) yield return objective;
    }

    private static CleanSamples Pictures(AlignmentStep step, MicroBatch batch)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        return new CleanSamples { Batch = batch, Latents = step.Keep(batch.Pictures(0).alias()) };
    }

    private static Objective Objective(TrainingPoint point)
    {
        var at = point.Noised();
        var errors = FlowMatching.Errors(at, point.Batch);
        return point.Mean(errors, new Measurement("error", errors.detach()));
    }
}
