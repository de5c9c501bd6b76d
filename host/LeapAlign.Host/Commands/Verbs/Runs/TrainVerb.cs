using System.CommandLine;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Commands.Verbs.Runs;

/// <summary>Aligns the model of plugins.json, from the beginning or from where a run stopped.</summary>
internal sealed class TrainVerb(PlanRun run, ITraining training, Terminal terminal) : IVerb
{
    private readonly Option<string?> _name = new("--name") { Description = "The name of the run; the same as --set run.name=...", HelpName = "name" };
    private readonly Option<bool> _force = new("--force") { Description = "Replaces the folder of a run of the same name." };

    private readonly Option<string?> _resume = new("--resume")
    {
        Description = "Goes on with a run from its newest valid checkpoint: the folder of the run, or 'latest' for the one that was worked on last.",
        HelpName = "folder",
    };

    private readonly Option<string[]> _allowed = new("--allow-change")
    {
        Description = "A key that may differ from the configuration that the resumed run began with, for instance run.steps; repeatable.",
        HelpName = "path.to.key",
        DefaultValueFactory = _ => [],
        AllowMultipleArgumentsPerToken = false,
    };

    public Command Describe()
    {
        var command = new Command("train", "Aligns the model of plugins.json with its rewards.") { _name, _force, _resume, _allowed };
        command.SetAction(Invoke);
        return command;
    }

    private int Invoke(ParseResult parsed)
    {
        var source = CompositionSource.Of(parsed);
        if (parsed.GetValue(_resume) is { } which) return Resume(parsed, which);
        if (parsed.GetValue(_allowed)!.Length > 0) return terminal.Error.Error(Misused("--allow-change says what may differ in a run that --resume goes on with"));
        var named = parsed.GetValue(_name) is { } name ? source.With($"run.name={JsonText.Of(name)}") : source;
        return run.Run(named, (plan, tuning, stop) => training.Train(plan, new TrainOptions(parsed.GetValue(_force), tuning, named), stop));
    }

    private int Resume(ParseResult parsed, string which)
    {
        if (parsed.GetValue(_name) is not null || parsed.GetValue(_force)) return terminal.Error.Error(Misused("--resume goes on in the folder of the run: --name and --force belong to a new one"));
        return RunArgument.FindSource(which, parsed).Match(
            found => run.Run(found.Source, (plan, tuning, stop) =>
                training.Train(plan, new TrainOptions(false, tuning, found.Source) { Resume = new ResumeOptions(found.Folder, parsed.GetValue(_allowed)!) }, stop)),
            terminal.Error.Error);
    }

    private static Fault Misused(string message) => new Fault.Configuration(FaultCodes.BadOption, message, new("command line"));
}
