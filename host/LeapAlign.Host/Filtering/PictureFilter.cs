using System.Globalization;
using System.Runtime.CompilerServices;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Pictures;
using LeapAlign.Host.Runs;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using Microsoft.Extensions.Logging;
using Spectre.Console;

namespace LeapAlign.Host.Filtering;

/// <summary><c>filter</c>: rows of pictures and captions, judged by the model. What is kept is written when all is judged, whole or not at all.</summary>
internal sealed class PictureFilter(Terminal terminal, ILoggerFactory loggers)
{
    // Kept out of line so that no stack slot holds a plugin type after it returns.
    /// <summary>Filters and writes. Synchronous: tensors belong to one thread.</summary>
    /// <param name="plan">The model, the rows as its captions and, where they are given, the clean rows as those of evaluation.</param>
    /// <param name="options">What the command line says.</param>
    /// <param name="stop">Asks to stop after the current picture.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public Result<Completion> Filter(RunPlan plan, FilterOptions options, CancellationToken stop) =>
        RunSite.Open(plan, loggers, terminal.Error, plan.Size is { } size ? [new AskedSize(size, new SourcePlace("plugins.json", Key: "run.size"))] : [], stop).Bind(site =>
        {
            using (site) return Filter(plan, options, site, stop);
        });

    // The model is what a run begins with: with what an adapter of plugins.json begins with, too.
    private Result<Completion> Filter(RunPlan plan, FilterOptions options, RunSite site, CancellationToken stop) => site.Work(
        "filtering",
        owned =>
            from places in CanBe(options)
            from rows in Read(plan.Prompts, site, owned)
            from clean in options.Clean is null ? Result.Ok<IReadOnlyList<Prompt>>([]) : Read(plan.EvaluationPrompts!, site, owned)
            from trained in TrainedModel.Make(plan, plan.Adapter is null ? site.FrozenContext : site.Context, owned)
            let model = trained.Model
            from space in PictureSpace.Of(model, plan.Size ?? model.NativeSize)
            let stages = site.Stages()
            let trials = new FilterTrials(model, new PromptPictures(model, space, stages, site.Device), space.Size)
            {
                Errors = new DensityErrors(options.Draws, RandomKey.OfRun(options.Seed).For("filter")),
                Stages = stages,
                Batch = plan.Run.Batch,
                Relative = options.Relative,
            }
            let sheet = Judge(trials, options, rows, clean, stop)
            from written in Write(sheet, options)
            select Completion.Whole,
        site.NothingWritten);

    private static Result<IReadOnlyList<Prompt>> Read(PartPlan part, RunSite site, List<IDisposable> owned) =>
        from source in RunParts.Make<IPromptSource>(part, site.Context, owned)
        from rows in source.Read()
        from pictures in rows.Select(static row => PictureFile.Check(row.Pictures[0], row.Pictures[0])).All()
        select rows;

    // Before anything is judged: it may take long.
    private static Result<Unit> CanBe(FilterOptions options)
    {
        if (options.Json is { } json && json != OutputFile.StandardOutput && !OutputFile.CanBe(json).TryGet(out _, out var fault)) return fault;
        if (options.Out is not { } folder) return Unit.Value;
        if (!options.Replaces && Path.Exists(folder)) return new Fault.Run(FaultCodes.CannotWrite, $"it is there already; {FilterOptions.ReplaceOption} puts another in its place", new SourcePlace(folder));
        if (File.Exists(folder)) return new Fault.Run(FaultCodes.CannotWrite, "it is a file; expected a folder to write", new SourcePlace(folder));
        return RunFolder.MakeAbove(folder).Bind(_ => WholeFolder.Rehearse(Path.GetFullPath(folder)));
    }

    private FilterSheet Judge(FilterTrials trials, FilterOptions options, IReadOnlyList<Prompt> rows, IReadOnlyList<Prompt> clean, CancellationToken stop)
    {
        // As they are: what is known to be right needs no other pose.
        List<double> known = [];
        foreach (var row in clean)
        {
            known.Add(trials.Of(row, [Pose.AsItIs], [], stop)[0].Error);
            Say("clean rows", known.Count, clean.Count);
        }
        string[] beside = [.. options.Captions.Concat(options.AllCaptions ? rows.Select(static row => row.Text) : []).Distinct(StringComparer.Ordinal)];
        List<IReadOnlyList<FilterTrial>> all = [];
        foreach (var row in rows)
        {
            all.Add(trials.Of(row, Pose.All(options.Turns, options.Flips), beside, stop));
            Say("rows", all.Count, rows.Count);
        }
        var threshold = options.Threshold ?? FilterChoice.Percentile(known, options.Percentile);
        return new FilterSheet(rows, all, FilterChoice.Of(all, threshold, options.AtMost), threshold, clean);
    }

    private Result<Unit> Write(FilterSheet sheet, FilterOptions options) =>
        from json in OutputFile.Write(options.Json, sheet.ToJson, terminal)
        from kept in options.Out is { } folder ? KeptRows.Write(Path.GetFullPath(folder), sheet, options.WithClean) : Unit.Value
        let shown = options.Json == OutputFile.StandardOutput ? Unit.Value : Show(sheet, options)
        select shown;

    private Unit Show(FilterSheet sheet, FilterOptions options)
    {
        if (options.Out is null && options.Json is null)
        {
            var table = terminal.Table(["picture", "caption", "error", "pose", "kept"]);
            foreach (var (row, verdict) in sheet.Rows.Zip(sheet.Verdicts))
            {
                table.AddRow(new[] { Path.GetFileName(row.Pictures[0]), verdict.Best.Caption, verdict.Best.Error.ToString("G5", CultureInfo.InvariantCulture), verdict.Best.Pose.ToString(), verdict.Kept ? "kept" : "-" }.Select(Terminal.Cell));
            }
            terminal.Console.Write(table);
        }
        terminal.Write(sheet.Summary(options.Percentile));
        if (options.Out is { } folder) terminal.Write($"kept rows in {Path.Combine(folder, KeptRows.FileName)}");
        return Unit.Value;
    }

    private void Say(string things, int done, int all)
    {
        const int said = 10;
        if ((done - 1) * said / all != done * said / all) terminal.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"judged {done} of {all} {things}"));
    }
}
