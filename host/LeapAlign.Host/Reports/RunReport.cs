using LeapAlign.Host.Commands;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Reports.Pages;
using LeapAlign.Host.Runs;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Host.Runs.Metrics;
using LeapAlign.Host.Runs.Records;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Reports;

/// <summary>
/// Keeps a run's <c>run.json</c> and <c>report.html</c>: from the beginning on, after each evaluation and at the end. The page is made from the files of
/// the folder, as <c>leapalign report</c> makes it. A run goes on without them: what cannot be written is a warning.
/// </summary>
internal sealed class RunReport(RunFolder folder, IReadOnlyDictionary<string, string> environment, Warnings warnings, TimeProvider time) : IRunObserver
{
    private readonly ReportPage _page = new();
    private IReadOnlyList<ChoicePair> _pairs = [];

    // What was read for the evaluation before is not read again: it would be the whole of a long run each time.
    private MetricsReader _metrics = new(folder.Metrics);
    private RunFolder _folder = folder;

    private volatile bool _ended;

    /// <summary>When the process began to train; the record of its run is known by it.</summary>
    public DateTimeOffset Started { get; } = time.GetUtcNow();

    /// <summary>What the model is called; null when nobody knows.</summary>
    public string? Model { get; init; }

    /// <summary>Further facts of the run, as they are now.</summary>
    public Func<IReadOnlyDictionary<string, string>>? Facts { get; init; }

    /// <summary>From now on both are in another folder, which holds the run.</summary>
    public void GoOnIn(RunFolder folder) => (_folder, _metrics) = (folder, new(folder.Metrics));

    /// <summary>Writes both before the first step, so that a run whose process is killed in it is known to have begun.</summary>
    public void Begin() => Write(RunState.Running, null);

    // A page that is looked at meanwhile counts pairs from the first step on.
    public Result<Unit> Stepped(StepReport report)
    {
        var pairs = _pairs.Union(report.Measurements.Pairs).ToList();
        if (pairs.Count == _pairs.Count) return Unit.Value;
        _pairs = pairs;
        Warn(Record(RunState.Running, null));
        return Unit.Value;
    }

    public Result<Unit> Evaluated(EvaluationReport report)
    {
        Write(RunState.Running, null);
        return Unit.Value;
    }

    /// <summary>Records how the run ended.</summary>
    /// <param name="outcome">What it ended with. Who asked for a stop in the last step of a run stopped nothing.</param>
    /// <returns>The outcome.</returns>
    public Result<Completion> End(Result<RunEnding> outcome)
    {
        outcome.Match(
            ending => Write(ending == RunEnding.Interrupted ? RunState.Interrupted : RunState.Completed, null),
            fault => Write(RunState.Faulted, fault.ToString()));
        return outcome.Map(static ending => ending == RunEnding.Interrupted ? Completion.Interrupted : Completion.Whole);
    }

    /// <summary>Says that the run ended with what nobody expected.</summary>
    public void End(Exception exception) => Write(RunState.Faulted, $"{exception.GetType().Name}: {exception.Message.ReplaceLineEndings(" ")}");

    /// <summary>Says that the run ends with a fault, on another thread than the one that computes: the page waits for <c>leapalign report</c>.</summary>
    public void EndAtOnce(Fault fault)
    {
        // What hung may go on before the process is gone; it changes nothing.
        _ended = true;
        Record(RunState.Faulted, fault.ToString());
    }

    private Unit Write(RunState state, string? fault)
    {
        if (_ended) return Unit.Value;
        Warn(Record(state, fault));
        Warn(RunReader.Read(_folder, () => _metrics.Read()).Bind(run => _page.Write(run, _folder.Report, _folder.Disk)));
        return Unit.Value;
    }

    private Result<Unit> Record(RunState state, string? fault) =>
        RunRecordFile.Write(_folder.Record, new RunRecord(RunEnvironment.Program, Started, time.GetUtcNow(), state, fault, Facts is { } facts ? environment.Concat(facts()).ToDictionary() : environment, warnings.All) { Model = Model, Pairs = _pairs }, _folder.Disk);

    private void Warn(Result<Unit> written)
    {
        if (!written.TryGet(out _, out var fault)) warnings.Add(fault);
    }
}
