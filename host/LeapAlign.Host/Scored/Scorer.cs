using System.Globalization;
using System.Runtime.CompilerServices;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Runs;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging;
using Spectre.Console;
using Capabilities = LeapAlign.Contracts.Plugins.Capabilities;

namespace LeapAlign.Host.Scored;

/// <summary><c>score</c>: pictures of files under the rewards of a plan. No model is made, and nothing is written before all is scored.</summary>
internal sealed class Scorer(Terminal terminal, ILoggerFactory loggers)
{
    // Kept out of line so that no stack slot holds a plugin type after it returns.
    /// <summary>Scores and writes. Synchronous: tensors belong to one thread.</summary>
    /// <param name="plan">Its rewards, and the source of captions where a file has them.</param>
    /// <param name="options">What the command line says.</param>
    /// <param name="stop">Asks to stop after the current picture.</param>
    /// <returns>Whether every picture was scored.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public Result<Completion> Score(RunPlan plan, ScoreOptions options, CancellationToken stop) =>
        RunSite.Open(plan, loggers, terminal.Error, stop: stop).Bind(site =>
        {
            using (site) return Score(plan, options, site, stop);
        });

    private Result<Completion> Score(RunPlan plan, ScoreOptions options, RunSite site, CancellationToken stop) => site.Work(
        "scoring",
        owned =>
            from pictured in plan.Rewards.Select(ScoresPictures).All()
            from _ in options.Files.Select(OutputFile.CanBe).All()
            from pictures in Pictures(plan, options, site, owned)
            from rewards in RunParts.MakeRewards(plan, model: null, site.Context, owned)
            let scores = new PictureScores(rewards, site.Stages(), site.Device)
            from compared in scores.Check(pictures)
            let sheet = new ScoreSheet(plan.Rewards, scores.Of(pictures, stop))
            from written in Write(sheet, options, site.Warnings)
            select Completion.Whole,
        site.NothingWritten)
        .Match(Result.Ok, fault => WithoutMetadata(fault, options) ?? fault);

    // A caption of the command line is words alone; a reward that judges by a key of its metadata names the key as the place of its fault.
    private static Fault? WithoutMetadata(Fault fault, ScoreOptions options) => options.Caption is not null && fault is { Code: FaultCodes.BadPromptMetadata, Place.Key: { } key }
        ? fault.And($"; --caption gives words alone: use --captions FILE, whose row for each picture has \"file\", \"caption\" and \"{key}\"")
        : null;

    // What a model would make of the pixels of a file is not what it drew: an encoder loses some of it, and no model is read here.
    private static Result<Unit> ScoresPictures(RewardPlan reward) => Requirements.Provides(reward.Part).Bind(offers => !offers.Contains(Capabilities.LatentReward, StringComparer.Ordinal)
        ? Unit.Value
        : Result.Fail<Unit>(new Fault.Composition(
            FaultCodes.RequirementNotMet,
            $"the reward '{reward.Part.Name}' scores the latents of a model, not pictures of files; name other rewards by {ChosenRewards.Option}: an evaluation scores what the model draws",
            reward.Part.Place)));

    private static Result<IReadOnlyList<ScoredPicture>> Pictures(RunPlan plan, ScoreOptions options, RunSite site, List<IDisposable> owned) => options.Captions is { } captions
        ? from source in RunParts.Make<IPromptSource>(plan.Prompts, site.Context, owned)
          from rows in source.Read()
          from pictures in ScoredPictures.Of(options.Pictures, captions, rows)
          select pictures
        : ScoredPictures.Of(options.Pictures, options.Caption!);

    private Result<Unit> Write(ScoreSheet sheet, ScoreOptions options, Warnings warnings)
    {
        if (NotFinite(sheet) is { } bad) warnings.Add(bad);
        return from json in OutputFile.Write(options.Json, sheet.ToJson, terminal)
               from csv in OutputFile.Write(options.Csv, () => sheet.ToCsv(OutputFile.FolderOf(options.Csv!)), terminal)
               let shown = options.TakesOutput ? Unit.Value : Show(sheet)
               select shown;
    }

    private Unit Show(ScoreSheet sheet)
    {
        string[] captions = sheet.HasCaptions ? ["caption"] : [];
        var table = terminal.Table(["picture", .. captions, .. sheet.Rewards.Select(static reward => reward.Part.Name)]);
        foreach (var row in sheet.Rows)
        {
            string[] cells = [row.Picture.Name, .. captions.Select(_ => row.Picture.Prompt.Text), .. row.Values.Select(static value => value.ToString("G6", CultureInfo.InvariantCulture))];
            table.AddRow(cells.Select(Terminal.Cell));
        }
        terminal.Console.Write(table);
        return Unit.Value;
    }

    private static Fault.Run? NotFinite(ScoreSheet sheet)
    {
        List<string> bad = [];
        for (var reward = 0; reward < sheet.Rewards.Count; reward++)
        {
            var rows = sheet.Rows.Where(row => !double.IsFinite(row.Values[reward])).ToList();
            if (rows.Count > 0)
                bad.Add(FormattableString.Invariant($"'{sheet.Rewards[reward].Part.Name}' gave {rows[0].Values[reward]} to '{rows[0].Picture.Name}' ({rows.Count} of {sheet.Rows.Count} pictures)"));
        }
        return bad.Count == 0 ? null : new Fault.Run(FaultCodes.ScoreNotFinite, $"the reward {string.Join(" and ", bad)}");
    }
}
