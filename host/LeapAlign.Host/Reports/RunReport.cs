using LeapAlign.Host.Kernel;
using LeapAlign.Host.Reports.Pages;
using LeapAlign.Host.Runs;
using LeapAlign.Host.Runs.Records;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Reports;

/// <summary>
/// Keeps a run's <c>run.json</c> and <c>report.html</c>: the first from the first step on, both after each evaluation and at the end. The page is made from the files of
/// the folder, as <c>leapalign report</c> makes it.
/// </summary>
internal sealed class RunReport(RunFolder folder, IReadOnlyDictionary<string, string> environment, Warnings warnings, TimeProvider time) : IRunObserver
{
    private readonly DateTimeOffset _started = time.GetUtcNow();
    private readonly ReportPage _page = new();
    private bool _recorded;

    public Result<Unit> Stepped(StepReport report) => _recorded ? Unit.Value : Record(RunState.Running, null);

    public Result<Unit> Evaluated(EvaluationReport report) => Write(RunState.Running, null);

    /// <summary>Says how the run ended.</summary>
    /// <param name="outcome">What it ended with.</param>
    /// <param name="interrupted">Whether it was asked to stop before.</param>
    /// <returns>The outcome, or the fault of writing when the run itself went well.</returns>
    public Result<Unit> End(Result<Unit> outcome, bool interrupted)
    {
        var fault = outcome.Match<Fault?>(static _ => null, static fault => fault);
        var written = Write(fault is not null ? RunState.Faulted : interrupted ? RunState.Interrupted : RunState.Completed, fault);
        return fault is null ? written : outcome;
    }

    private Result<Unit> Write(RunState state, Fault? fault) => Record(state, fault).Bind(_ => _page.Write([folder.Path], folder.Report));

    private Result<Unit> Record(RunState state, Fault? fault)
    {
        _recorded = true;
        var record = new RunRecord(RunEnvironment.Program, _started, time.GetUtcNow(), state, fault?.ToString(), environment, warnings.All);
        return RunFolder.Write(folder.Record, record.ToJson());
    }
}
