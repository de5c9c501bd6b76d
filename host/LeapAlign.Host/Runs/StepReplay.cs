using System.Globalization;
using System.Runtime.CompilerServices;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Steps;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Host.Runs.Metrics;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging;
using Spectre.Console;

namespace LeapAlign.Host.Runs;

/// <summary><c>replay</c>: one step of a run again. All randomness is keyed, so that the checkpoint before it is all it needs, and every number is the same.</summary>
internal sealed class StepReplay(Terminal terminal, ILoggerFactory loggers)
{
    /// <summary>Replays a step.</summary>
    /// <param name="plan">The run, composed anew.</param>
    /// <param name="folder">Its folder, which is only read.</param>
    /// <param name="step">The step, from 1.</param>
    /// <param name="stop">Ends it between steps.</param>
    /// <returns><see cref="FaultCodes.ReplayDiffers"/> when a number is another than the one that was recorded.</returns>
    // Kept out of line so that no stack slot holds a plugin type after it returns.
    [MethodImpl(MethodImplOptions.NoInlining)]
    public Result<Completion> Replay(RunPlan plan, RunFolder folder, int step, CancellationToken stop) => Again(plan, folder, (step, stop), StepLook.None).Map(static _ => Completion.Whole);

    /// <summary>Replays a step that somebody looks at.</summary>
    /// <inheritdoc cref="Replay"/>
    /// <param name="plan">The run, composed anew.</param>
    /// <param name="folder">Its folder, which is only read.</param>
    /// <param name="until">The step, from 1, and what ends it between steps.</param>
    /// <param name="look">Looks at the state before it, and after it where its numbers are those that were recorded.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public Result<Unit> Again(RunPlan plan, RunFolder folder, (int Step, CancellationToken Stop) until, StepLook look) => RunSite.Open(plan, loggers, terminal.Error, plan.Sizes, until.Stop).Bind(site =>
    {
        using (site)
        {
            return from history in RunHistory.Read(folder.Metrics)
                   from checkpoint in Before(folder, until.Step, site.Warnings.Add)
                   from same in OpenRun.Unchanged(RunIdentity.Of(plan).ChangesSince(checkpoint.Manifest), new ResumeOptions(folder, []))
                   from done in Run(plan, (site, checkpoint), until, look with { After = (at, report) => Compare(history.Steps.FirstOrDefault(line => line.Step == until.Step), report, look.IsQuiet).Bind(_ => look.After(at, report)) })
                   select done;
        }
    });

    private static Result<Checkpoint> Before(RunFolder folder, int step, Action<Fault> skipped)
    {
        var kept = new CheckpointStore(folder.Faults).Newest(static _ => { }, step - 1);
        return new CheckpointStore(folder.Checkpoints).Newest(skipped, step - 1).Match(
            regular => kept.Match(fault => fault.Step > regular.Step ? fault : regular, _ => regular),
            absent => kept.Match(Result.Ok, _ => Result.Fail<Checkpoint>(absent)));
    }

    private Result<Unit> Run(RunPlan plan, (RunSite Site, Checkpoint Checkpoint) from, (int Step, CancellationToken Stop) until, StepLook look)
    {
        var (site, checkpoint) = from;
        if (!RunParts.Create(plan, site.Context).TryGet(out var parts, out var fault)) return fault;
        using (parts)
        {
            using var kernel = new RunKernel(plan, parts, site.Device, []);
            if (!look.IsQuiet) terminal.Write($"replaying from {Path.GetFileName(checkpoint.Path)}");
            return kernel.Resume(checkpoint).Bind(_ => kernel.Replay(until.Step, until.Stop, look.Before)).Bind(report => look.After(site, report));
        }
    }

    private Result<Unit> Compare(StepLine? recorded, StepReport replayed, bool quietly)
    {
        if (recorded is null && !quietly) terminal.Write("the run recorded no metrics of this step");
        (string Name, double? Then, double Now)[] numbers =
        [
            ("loss", recorded?.Loss, replayed.Loss),
            ("gradient norm", recorded?.GradientNorm, replayed.GradientNorm),
            .. replayed.Rewards.Select(reward => (reward.Key, recorded?.Rewards.GetValueOrDefault(reward.Key, double.NaN), reward.Value)),
            .. replayed.Measurements.Select(measured => (measured.Key, recorded?.Measurements.GetValueOrDefault(measured.Key, double.NaN), measured.Value)),
        ];
        if (!quietly) Show(numbers);
        var different = numbers.Where(static number => number.Then is { } then && !then.Equals(number.Now)).Select(static number => number.Name).ToList();
        return different.Count == 0
            ? Unit.Value
            : new Fault.Run(FaultCodes.ReplayDiffers, $"step {replayed.Index + 1} differs from what was recorded in {string.Join(", ", different)}");
    }

    private void Show(IEnumerable<(string Name, double? Then, double Now)> numbers)
    {
        var table = terminal.Table("number", "recorded", "replayed");
        foreach (var (name, then, now) in numbers) table.AddRow(Terminal.Cell(name), Terminal.Cell(then?.ToString("R", CultureInfo.InvariantCulture) ?? ""), Terminal.Cell(now.ToString("R", CultureInfo.InvariantCulture)));
        terminal.Console.Write(table);
    }
}

/// <summary>Looks at a step that is done again.</summary>
/// <param name="Before">At the state before it.</param>
/// <param name="After">At what it did, while parts live, where that is what was recorded.</param>
internal sealed record StepLook(Action<TrainingStep> Before, Func<RunSite, StepReport, Result<Unit>> After)
{
    /// <summary>Nobody looks.</summary>
    public static StepLook None { get; } = new(static _ => { }, static (_, _) => Unit.Value) { IsQuiet = false };

    /// <summary>Whether the comparison with what was recorded is told only where it fails.</summary>
    public bool IsQuiet { get; private init; } = true;
}
