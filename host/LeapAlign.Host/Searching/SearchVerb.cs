using System.CommandLine;
using System.Globalization;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Commands.Verbs;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Sweeps;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Searching;

/// <summary>Searches few settings of a run, trial by trial.</summary>
internal sealed class SearchVerb(SearchRun run, IMemberProcess processes, Terminal terminal) : IVerb
{
    /// <summary>The name of the verb.</summary>
    public const string Name = "search";

    private readonly Argument<string> _file = new("file") { Description = "The file that says which settings are searched, within which bounds, for which reward.", HelpName = "search.json" };

    public bool WritesFiles => true;

    public Command Describe()
    {
        var command = new Command(Name, "Searches up to 20 settings (guidance, shift, weights of rewards) for the highest reward of an evaluation, each trial a run; goes on with what was interrupted.") { _file };
        command.SetAction(Invoke);
        return command;
    }

    private int Invoke(ParseResult parsed)
    {
        var global = CompositionSource.Of(parsed);
        if (Launcher.Here is { StartsSeveral: true } launcher) return terminal.Error.Error(Misuse.Of($"{launcher.Name} started several processes of this search, and each would make every trial; start it once"));
        if (!SearchFile.Read(parsed.GetValue(_file)!, GlobalOptions.NamesConfig(parsed) ? global.Config : null, global.Set).TryGet(out var search, out var fault)) return terminal.Error.Error(fault);
        Result<SearchEnd> ended;
        using (var interruption = new Interruption(terminal.Error, "stopping after the step under way; once more stops at once", atOnce: processes.EndAll)) ended = run.Run(search, interruption.Token);
        return ended.Bind(end => Told(search, end)).Match(static completion => completion == Completion.Interrupted ? Interruption.ExitCode : 0, terminal.Error.Error);
    }

    private Result<Completion> Told(SettingSearch search, SearchEnd end)
    {
        if (end.Trials.Count == 0) return end.Completion;
        return SearchReport.Write(search, end, terminal).Bind(_ => end.Best is null ? Nowhere(search, end) : Result.Ok(end.Completion));
    }

    private static Result<Completion> Nowhere(SettingSearch search, SearchEnd end)
    {
        var rewards = end.Trials[0].Rewards;
        var below = search.Floors.Where(floor => !(rewards[floor.Key] >= floor.Value)).Select(floor => string.Create(CultureInfo.InvariantCulture, $"'{floor.Key}' is {rewards[floor.Key]:G4}, below its floor {floor.Value}"));
        return new Fault.Run(FaultCodes.SearchNowhere, $"the first trial is not allowed, so that nothing can be better than it: {string.Join(", ", below.DefaultIfEmpty($"'{search.Reward}' is not finite"))}; let the settings start elsewhere", new SourcePlace(search.File, Key: "settings"));
    }
}
