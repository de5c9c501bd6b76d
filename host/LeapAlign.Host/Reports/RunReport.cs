using LeapAlign.Host.Kernel;
using LeapAlign.Host.Reports.Pages;
using LeapAlign.Host.Runs;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Host.Runs.Records;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;

namespace LeapAlign.Host.Reports;

/// <summary>
/// Keeps a run's <c>run.json</c> and <c>report.html</c>: the first from the first step on, both after each evaluation and at the end. The page is made from the files of
/// the folder, as <c>leapalign report</c> makes it. A run goes on without them: what cannot be written is a warning.
/// </summary>
internal sealed class RunReport(RunFolder folder, IReadOnlyDictionary<string, string> environment, Warnings warnings, TimeProvider time) : IRunObserver
{
    private readonly DateTimeOffset _started = time.GetUtcNow();
    private readonly ReportPage _page = new();
    private bool _recorded;

    public Result<Unit> Stepped(StepReport report)
    {
        if (!_recorded) Warn(Record(RunState.Running, null));
        return Unit.Value;
    }

    public Result<Unit> Evaluated(EvaluationReport report)
    {
        Write(RunState.Running, null);
        return Unit.Value;
    }

    /// <summary>Says how the run ended.</summary>
    /// <param name="outcome">What it ended with.</param>
    /// <param name="interrupted">Whether it was asked to stop before.</param>
    /// <returns>The outcome.</returns>
    public Result<Unit> End(Result<Unit> outcome, bool interrupted)
    {
        var fault = outcome.Match<Fault?>(static _ => null, static fault => fault);
        Write(fault is not null ? RunState.Faulted : interrupted ? RunState.Interrupted : RunState.Completed, fault);
        return outcome;
    }

    private void Write(RunState state, Fault? fault)
    {
        Warn(Record(state, fault));
        Warn(_page.Write([folder.Path], folder.Report));
    }

    private Result<Unit> Record(RunState state, Fault? fault)
    {
        _recorded = true;
        var record = new RunRecord(RunEnvironment.Program, _started, time.GetUtcNow(), state, fault?.ToString(), environment, warnings.All);
        return WholeFile.Write(folder.Record, record.ToJson());
    }

    private void Warn(Result<Unit> written)
    {
        if (!written.TryGet(out _, out var fault)) warnings.Add(fault);
    }
}
