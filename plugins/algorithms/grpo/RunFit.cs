using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Grpo;

/// <summary>Whether a method can work in a run, before anything of it is made.</summary>
internal static class RunFit
{
    public static Result<Unit> Check(GrpoMethod method, RunShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        var samples = shape.Batch * shape.Accumulation;
        if (samples % shape.Group != 0)
            return Unfit(method, $"compares the samples of a prompt, but the {samples} samples of a step (batch {shape.Batch} times accumulation {shape.Accumulation}) are not whole groups of {shape.Group}");
        var batches = shape.Accumulation / shape.Shards;
        if (method.Settings.Updates > batches)
        {
            var given = shape.Shards > 1 ? $"and each of its {shape.Shards} shards has {batches}" : $"but run.accumulation gives it {batches}";
            return Unfit(method, $"makes {method.Settings.Updates} updates of each step, each on whole micro-batches, {given}: raise accumulation or lower the algorithm's updates");
        }
        if (!method.Steps.Trainable(shape.Schedule.Steps).TryGet(out var steps, out var fault)) return Unfit(method, $"does not fit the run: {fault.Message}");
        return shape.Sampler is IStochasticSampler sampler ? Densities(method, sampler, shape, steps) : Unit.Value;
    }

    private static Result<Unit> Densities(GrpoMethod method, IStochasticSampler sampler, RunShape shape, IReadOnlyList<int> steps)
    {
        using var scope = NewDisposeScope();
        var nothing = zeros(1, 1);
        foreach (var step in steps)
        {
            if (StochasticSamplers.Unfit(method, sampler.Transition(nothing, nothing, shape.Schedule, step), step) is { } fault) return Result.Fail<Unit>(fault);
        }
        return Unit.Value;
    }

    private static Fault.Composition Unfit(GrpoMethod method, string why) => new(FaultCodes.SettingsDoNotFit, $"'{method.Id}' {why}");
}
