using System.Globalization;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Runs.Metrics;
using LeapAlign.Pipeline;
using Spectre.Console;

namespace LeapAlign.Host.Runs;

/// <summary>Live progress: a bar on a terminal, a line for each step when the output is redirected.</summary>
/// <param name="console">Where it is shown.</param>
/// <param name="steps">Steps of the whole run.</param>
/// <param name="history">What a resumed run did before.</param>
internal sealed class ProgressDisplay(IAnsiConsole console, int steps, RunHistory history) : IRunObserver
{
    /// <summary>How many of the last steps the seconds of one are the mean of.</summary>
    public const int RecentSteps = 20;

    private readonly List<Shown> _evaluations =
    [
        .. history.Evaluations.Select(static line => new Shown(null, line.Step, line.Rewards, line.Images)),
        .. history.Previews.Select(static line => new Shown(line.Preview, line.Step, line.Rewards, line.Images)),
    ];
    private readonly Queue<double> _recent = new();
    private ProgressTask? _task;
    private double _evaluationsOfNetwork = history.Steps.Sum(static step => step.Evaluations);
    private double _seconds = history.Steps.Sum(static step => step.Timings.Seconds);
    private CheckpointReport? _checkpoint;
    private double _standstill;

    /// <summary>Runs the body under the display.</summary>
    public T Around<T>(Func<T> body)
    {
        if (!console.Profile.Out.IsTerminal) return body();
        return console.Progress()
            .AutoClear(false)
            .Columns(new ProgressBarColumn(), new PercentageColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
            .Start(context =>
            {
                _task = context.AddTask("evaluating", maxValue: steps);
                return body();
            });
    }

    public Result<Unit> Stepped(StepReport report)
    {
        _evaluationsOfNetwork += report.Evaluations;
        _seconds += report.Seconds;
        _recent.Enqueue(report.Seconds);
        if (_recent.Count > RecentSteps) _recent.Dequeue();
        var line = Line(report, _recent.Average());
        if (_task is null)
        {
            console.Profile.Out.Writer.WriteLine(line);
            console.Profile.Out.Writer.Flush();
            return Unit.Value;
        }
        _task.Value = report.Index + 1;
        _task.Description = Markup.Escape(line);
        return Unit.Value;
    }

    public Result<Unit> Evaluated(EvaluationReport report)
    {
        foreach (var drawn in report.Previews.Prepend(report))
        {
            var preview = drawn.Drawn?.Preview;
            _evaluations.Add(new Shown(preview, drawn.Step, drawn.Rewards, drawn.Images));
            if (_task is not null) continue;
            console.Profile.Out.Writer.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{(preview is null ? "evaluation" : $"preview {preview} ({drawn.Drawn})")} after step {drawn.Step}: {Means(drawn.Rewards)}  ({drawn.Images} pictures, {drawn.Seconds:F1} s)"));
        }
        console.Profile.Out.Writer.Flush();
        return Unit.Value;
    }

    public Result<Unit> Checkpointed(CheckpointReport report)
    {
        _checkpoint = report;
        _standstill += report.StandstillSeconds;
        return Unit.Value;
    }

    /// <summary>The evaluations side by side, from the first to the last, with the gain; then each preview so.</summary>
    public void Summarize()
    {
        foreach (var shown in _evaluations.GroupBy(static evaluation => evaluation.Preview).OrderBy(static shown => shown.Key is not null)) Summarize([.. shown]);
    }

    private void Summarize(List<Shown> evaluations)
    {
        var first = evaluations[0];
        var last = evaluations[^1];
        var table = new Table().Title($"{(first.Preview is null ? "" : $"preview {first.Preview}: ")}mean over {first.Images} pictures, averaged weights").AddColumn("reward");
        foreach (var evaluation in evaluations) table.AddColumn(new TableColumn(string.Create(CultureInfo.InvariantCulture, $"step {evaluation.Step}")).RightAligned());
        table.AddColumn(new TableColumn("gain").RightAligned());
        foreach (var name in first.Rewards.Keys)
        {
            string[] cells =
            [
                Markup.Escape(name),
                .. evaluations.Select(evaluation => evaluation.Rewards[name].ToString("F4", CultureInfo.InvariantCulture)),
                (last.Rewards[name] - first.Rewards[name]).ToString("+0.0000;-0.0000;0.0000", CultureInfo.InvariantCulture),
            ];
            table.AddRow(cells);
        }
        console.Write(table);
    }

    private string Line(StepReport report, double seconds)
    {
        var left = TimeSpan.FromSeconds(seconds * (steps - report.Index - 1));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"step {report.Index + 1}/{steps}  {Means(report.Rewards)}  gradient {report.GradientNorm:F3}  {seconds:F2} s/step  F {_evaluationsOfNetwork:0.#}{Checkpoint()}  left {left:h\\:mm\\:ss}");
    }

    private string Checkpoint() => _checkpoint is null
        ? ""
        : string.Create(CultureInfo.InvariantCulture, $"  checkpoint {_checkpoint.Step} ({_checkpoint.Bytes / 1e6:0} MB, {100 * _standstill / Math.Max(_seconds, 1e-9):0.0} %)");

    private static string Means(IReadOnlyDictionary<string, double> rewards) =>
        string.Join("  ", rewards.Select(static pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Key} {pair.Value:F4}")));

    private sealed record Shown(string? Preview, int Step, IReadOnlyDictionary<string, double> Rewards, int Images);
}
