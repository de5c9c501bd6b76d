using LeapAlign.Host.Composition;
using static System.FormattableString;

namespace LeapAlign.Host.Planning;

/// <summary>A change that makes a run smaller.</summary>
/// <param name="Settings">What to paste behind <c>--set</c>.</param>
/// <param name="Does">What it does, and costs.</param>
/// <param name="After">The plan with it and those before it.</param>
internal sealed record Proposal(IReadOnlyList<string> Settings, string Does, StepPlan After)
{
    /// <summary>The settings as arguments of the command line.</summary>
    public string Arguments => string.Join(' ', Settings.Select(static setting => $"--set {setting}"));
}

/// <summary>
/// What would make a run fit: changes in the order in which they change the result least, one after the other until it fits. What a change saves is estimated from what was
/// measured; a plan with the change measures it.
/// </summary>
internal static class Proposals
{
    /// <summary>The changes that lead to a plan that fits.</summary>
    /// <param name="plan">The composition.</param>
    /// <param name="step">Its plan.</param>
    /// <param name="needs">The bytes that a plan needs, on the machine or card in question.</param>
    /// <param name="room">The bytes that there are.</param>
    /// <param name="adapterNumbers">The numbers that an adapter of the default rank would train; null where an adapter is trained already.</param>
    /// <returns>Empty when it fits. The last of them fits, unless nothing does.</returns>
    public static IReadOnlyList<Proposal> Of(RunPlan plan, StepPlan step, Func<StepPlan, double> needs, double room, double? adapterNumbers)
    {
        List<Proposal> taken = [];
        foreach (var (settings, does, change) in Changes(plan, step, adapterNumbers))
        {
            if (needs(step) <= room) break;
            var after = change(step);
            if (needs(after) >= needs(step) * 0.995) continue;
            taken.Add(new Proposal(settings, does, after));
            step = after;
        }
        return taken;
    }

    private static IEnumerable<(IReadOnlyList<string> Settings, string Does, Func<StepPlan, StepPlan> Change)> Changes(RunPlan plan, StepPlan now, double? adapterNumbers)
    {
        if (plan.Run.BlocksPerCheckpoint == 0)
            yield return (["run.checkpointing=blocks"], "keeps what goes into each block, and computes the block again: the same gradients, a third more time", static step => step with { Network = Recomputed(step.Network), Decoder = Recomputed(step.Decoder) });
        if (plan.Run.Batch > plan.Run.Group)
        {
            var (batch, times) = (plan.Run.Group, plan.Run.Batch / (double)plan.Run.Group);
            if (plan.Run.Batch % batch == 0)
            {
                yield return (
                    [Invariant($"run.batch={batch}"), Invariant($"run.accumulation={plan.Run.Accumulation * (int)times}")],
                    "the same samples in smaller micro-batches",
                    step => step with { MicroBatches = step.MicroBatches * (int)times, Network = Smaller(step.Network, times), Decoder = Smaller(step.Decoder, times), Rewards = Smaller(step.Rewards, times) });
            }
        }
        foreach (var weights in now.Placed.Where(static weights => weights.OnDevice).OrderBy(static weights => weights.InEvaluations))
        {
            var when = weights.InEvaluations ? "each evaluation, and each block in the backward," : "each use";
            yield return ([$"model.settings.{weights.Setting}=host"], Invariant($"leaves {RunFit.Gibibytes(weights.Bytes)} of weights in the memory of the machine: {when} brings them to the device, the same numbers"), step => step.WithOnHost(weights.Setting));
        }
        if (adapterNumbers is { } numbers)
            yield return (["adapter=lora"], "trains two factors beside each layer instead of all weights, which stay in their files", step => step with { Trained = numbers });
        if (plan.Run.Ema > 0.98)
            yield return (["run.ema=0.98"], "keeps the moving average in float32 instead of float64", static step => step with { Number = step.Number with { Average = sizeof(float) } });
        if (plan.Checkpoint.Every >= 0 && plan.Adapter is null)
            yield return (["checkpoint.every=-1"], "takes no checkpoints, so that nothing is copied for them; a run that is stopped cannot be resumed", static step => step with { Number = step.Number with { HasCheckpoints = false } });
        foreach (var share in (double[])[0.5, 0.25])
        {
            if (plan.Size is not { } size) continue;
            var (width, height) = ((int)(size.Width * share) / 64 * 64, (int)(size.Height * share) / 64 * 64);
            if (width < 128 || height < 128) continue;
            yield return ([$"run.size={width}x{height}"], "smaller pictures: not the same task", step => step with { Network = Smaller(step.Network, 4), Decoder = Smaller(step.Decoder, 4), Rewards = Smaller(step.Rewards, 4) });
        }
    }

    // Every piece keeps its inputs alone, and is computed again before its backward.
    private static List<WorkCost> Recomputed(IReadOnlyList<WorkCost> pieces) =>
        [.. pieces.Select(static piece => piece with { Kept = Math.Min(piece.Kept, piece.Inputs), Recorded = piece.Plain, Backward = piece.Backward + piece.Recorded })];

    private static List<WorkCost> Smaller(IReadOnlyList<WorkCost> pieces, double times) => [.. pieces.Select(piece => piece with { Scale = piece.Scale / times })];
}
