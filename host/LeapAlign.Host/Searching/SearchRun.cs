using System.Runtime.CompilerServices;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Plugins;
using LeapAlign.Host.Reports;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Host.Sweeps;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Searching;

/// <summary>A trial that was judged.</summary>
/// <param name="Trial">The trial.</param>
/// <param name="Run">Its run; that of an earlier trial where the values are the same.</param>
/// <param name="Rewards">The rewards of the evaluation that counts.</param>
internal sealed record JudgedTrial(SearchTrial Trial, RunFolder Run, IReadOnlyDictionary<string, double> Rewards);

/// <summary>How a search ended.</summary>
/// <param name="Trials">All trials, in order.</param>
/// <param name="Best">The best one; null where the first was not allowed.</param>
/// <param name="Completion">Whether it came to its end.</param>
internal sealed record SearchEnd(IReadOnlyList<JudgedTrial> Trials, SearchTrial? Best, Completion Completion);

/// <summary>
/// Runs the trials of a search one after another, each a run of its own as a member of a sweep is. Their folders are its memory: the same command makes the same trials again, passes those over that have come to their end, and goes on.
/// </summary>
internal sealed class SearchRun(Workspaces workspaces, SweepRun runs)
{
    /// <summary>Searches to the end, or until it is asked to stop.</summary>
    /// <param name="search">What is searched.</param>
    /// <param name="stop">Asks the run under way to stop after its step.</param>
    /// <returns>What was found; the fault of a trial that could not be composed or run, LA1024 when a reward that is named is not there.</returns>
    public Result<SearchEnd> Run(SettingSearch search, CancellationToken stop) => Foresee(search).Bind(_ => Search(search, stop));

    private Result<SearchEnd> Search(SettingSearch search, CancellationToken stop)
    {
        var covering = new CoveringSearch(search.Form, RandomKey.OfRun(search.Seed).For("search"));
        List<JudgedTrial> judged = [];
        var known = new Dictionary<string, (RunFolder Folder, IReadOnlyDictionary<string, double> Rewards)>(StringComparer.Ordinal);
        foreach (var trial in covering.Trials(search.Start))
        {
            var sweep = search.Of(trial);
            var values = string.Join('\n', sweep.Members[0].Sets.Select(static set => set.Text));
            if (!known.TryGetValue(values, out var found))
            {
                if (!Judge(search, sweep, stop).TryGet(out var run, out var fault)) return fault;
                if (run is not { } ended) return new SearchEnd(judged, covering.Best, Completion.Interrupted);
                known[values] = found = ended;
            }
            trial.Value = found.Rewards[search.Reward];
            trial.IsAllowed = search.Floors.All(floor => found.Rewards[floor.Key] >= floor.Value);
            judged.Add(new JudgedTrial(trial, found.Folder, found.Rewards));
        }
        return new SearchEnd(judged, covering.Best, Completion.Whole);
    }

    // Null where it was asked to stop.
    private Result<(RunFolder Folder, IReadOnlyDictionary<string, double> Rewards)?> Judge(SettingSearch search, Sweep sweep, CancellationToken stop) =>
        from planned in Plan(search, sweep)
        from completion in runs.Run(sweep, [planned], new SweepOptions(1, []), stop)
        from judged in completion == Completion.Interrupted
            ? Result.Ok<(RunFolder, IReadOnlyDictionary<string, double>)?>(null)
            : Rewards(search, planned.Now()).Map(rewards => ((RunFolder, IReadOnlyDictionary<string, double>)?)(planned.Folder, rewards))
        select judged;

    // Bounds that a setting cannot have, or a setting that takes whole numbers alone, would end the search at the trial that comes there, when others have run for hours.
    private Result<Unit> Foresee(SettingSearch search)
    {
        using var workspace = workspaces.Open(new CompositionSource(search.Config, search.Set, SearchVerb.Name));
        return ForeseeIn(workspace.Catalog, search);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Result<Unit> ForeseeIn(PluginCatalog catalog, SettingSearch search)
    {
        foreach (var point in search.Foreseen)
        {
            var sweep = search.Of(new SearchTrial(0, point, SearchStep.Start, 0));
            if (!SweepComposer.Compose(catalog, sweep, sweep.Members[0]).TryGet(out _, out var fault)) return fault;
        }
        return Unit.Value;
    }

    private Result<PlannedMember> Plan(SettingSearch search, Sweep sweep)
    {
        using var workspace = workspaces.Open(new CompositionSource(search.Config, search.Set, SearchVerb.Name));
        return PlanIn(workspace.Catalog, search, sweep);
    }

    // Kept out of line so that no stack slot holds a plugin type after it returns.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Result<PlannedMember> PlanIn(PluginCatalog catalog, SettingSearch search, Sweep sweep) => SweepComposer.Compose(catalog, sweep, sweep.Members[0]).Bind(plan =>
    {
        if (plan.Evaluation.Every < 0) return Unjudged(search, "is not evaluated");
        string[] there = [.. plan.Rewards.Select(static reward => reward.Part.Name)];
        return search.Floors.Keys.Prepend(search.Reward).FirstOrDefault(name => !there.Contains(name, StringComparer.Ordinal)) is { } unknown
            ? new Fault.Configuration(FaultCodes.BadSearch, $"the run has no reward {Quoted.Words(unknown)}{NearestName.Hint(unknown, there)}", new SourcePlace(search.File, Key: unknown == search.Reward ? "reward" : "floors"))
            : SweepComposer.Look(plan, sweep.Members[0]);
    });

    private static Result<IReadOnlyDictionary<string, double>> Rewards(SettingSearch search, PlannedMember planned)
    {
        if (planned.Standing != RunStanding.Finished) return new Fault.Run(FaultCodes.RunFolderTaken, "another process works in this run folder, and the search cannot go on without it", new SourcePlace(planned.Folder.Path));
        return RunReader.Read(planned.Folder).Bind(run => run.Evaluations is [var first, ..] and [.., var last]
            ? Result.Ok((search.AtStart ? first : last).Rewards)
            : Unjudged(search, "was not evaluated"));
    }

    private static Fault.Configuration Unjudged(SettingSearch search, string how) =>
        new(FaultCodes.BadSearch, $"the run {how}, and a search is over evaluations: evaluation.every must not be below 0", new SourcePlace(search.Config, Key: "evaluation.every"));
}
