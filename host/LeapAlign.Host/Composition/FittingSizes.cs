using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Host.Composition;

/// <summary>Sizes of a run.</summary>
/// <param name="Batch">Samples of a micro-batch.</param>
/// <param name="Accumulation">Micro-batches of a step.</param>
/// <param name="Group">Samples of a prompt.</param>
internal sealed record RunSizes(int Batch, int Accumulation, int Group);

/// <summary>
/// The sizes nearest to those of a plan that hold whole groups and that its algorithm can work with. Nothing of the model is read: the schedule is that of a
/// model without a shift, which has as many steps as any.
/// </summary>
internal sealed class FittingSizes
{
    private const int MostMicroBatches = 64;
    private static readonly int[] s_groups = [8, 4, 2];

    /// <summary>Searches.</summary>
    /// <param name="plan">The plan, whose parts fit each other.</param>
    /// <param name="grouped">Whether a prompt needs several samples.</param>
    public FittingSizes(RunPlan plan, bool grouped)
    {
        var check = Checker(plan);
        var said = new RunSizes(plan.Run.Batch, plan.Run.Accumulation, plan.Run.Group);
        int[] groups = grouped && said.Group < 2 ? s_groups : [said.Group];
        var candidates =
            from batch in groups.Select(samples => (said.Batch + samples - 1) / samples * samples).Prepend(said.Batch).Distinct().Order()
            from accumulation in Enumerable.Range(said.Accumulation, Math.Max(1, MostMicroBatches - said.Accumulation + 1))
            from size in groups
            select new RunSizes(batch, accumulation, size);
        foreach (var candidate in candidates.Where(static candidate => (long)candidate.Batch * candidate.Accumulation % candidate.Group == 0))
        {
            if (check(candidate) is not { } fault)
            {
                Found = candidate;
                return;
            }
            Refusal ??= fault.Message;
        }
        Refusal ??= $"a step of {(long)said.Batch * said.Accumulation} samples does not hold whole groups";
    }

    /// <summary>The sizes; null when there are none.</summary>
    public RunSizes? Found { get; }

    /// <summary>What the algorithm says of the sizes nearest to those of the plan; null when it takes them.</summary>
    public string? Refusal { get; }

    // A part that cannot be made says so when the run makes it.
    private static Func<RunSizes, Fault?> Checker(RunPlan plan)
    {
        try
        {
            if (Made(plan.Sampler, plan) is ISampler sampler && Made(plan.Algorithm, plan) is IAlgorithm algorithm)
            {
                var schedule = sampler.CreateSchedule(new FlowScheduling());
                Result<Unit> Asked(RunSizes sizes) => algorithm.Check(new RunShape(schedule, sizes.Batch, sizes.Accumulation, sizes.Group) { Sampler = sampler });
                return sizes => (plan.Algorithm.Plugin is { } plugin ? plugin.Guard("Check", () => Asked(sizes)) : Asked(sizes)).Match(static _ => null, static fault => (Fault?)fault);
            }
        }
        catch (Exception)
        {
            // The same.
        }
        return static _ => null;
    }

    private static object? Made(PartPlan part, RunPlan plan) => part.Definition.Create(part.Settings, new PartContext
    {
        Name = part.Name,
        BaseFolder = plan.BaseFolder,
        Device = CPU,
        ComputeType = ScalarType.Float32,
        Logger = NullLogger.Instance,
        Warn = static _ => { },
    }).Match(static made => made, static _ => null!);
}
