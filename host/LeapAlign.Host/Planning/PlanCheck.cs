using System.Globalization;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Planning;

/// <summary>Compares a plan with the run that it was made for: the memory after each stage, since the tuned allocator gives nothing back, and the seconds of steps.</summary>
/// <param name="plan">The plan.</param>
internal sealed class PlanCheck(StepPlan plan) : IStageListener, IRunObserver
{
    private readonly List<double> _seconds = [];
    private double _memory;

    /// <summary>What was planned, and what was measured so far, for the run's record.</summary>
    public IReadOnlyDictionary<string, string> Facts
    {
        get
        {
            var facts = new Dictionary<string, string> { ["planned"] = Words(plan.Seconds, plan.Bytes) };
            // The first step touches memory for the first time.
            var steps = _seconds.Count > 1 ? _seconds.Skip(1).Order().ToArray() : [.. _seconds];
            if (steps.Length > 0) facts["measured"] = Words(steps[steps.Length / 2], _memory);
            return facts;
        }
    }

    public void Entered(in Stage stage)
    {
    }

    public void Left(in Stage? outer) => _memory = Math.Max(_memory, SystemMemory.Anonymous);

    public Result<Unit> Stepped(StepReport report)
    {
        // A plan's step has its captions encoded.
        _seconds.Add(report.Seconds - report.Stages.GetValueOrDefault("encode"));
        return Unit.Value;
    }

    private static string Words(double seconds, double bytes) => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.00} s a step, {RunFit.Gibibytes(bytes)} of memory that is no page cache");
}
