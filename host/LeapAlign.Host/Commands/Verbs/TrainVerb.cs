using System.CommandLine;

namespace LeapAlign.Host.Commands.Verbs;

/// <summary>Aligns the model of plugins.json.</summary>
internal sealed class TrainVerb(PlanRun run, ITraining training) : IVerb
{
    private readonly Option<string?> _name = new("--name") { Description = "The name of the run; the same as --set run.name=...", HelpName = "name" };
    private readonly Option<bool> _force = new("--force") { Description = "Replaces the folder of a run of the same name." };

    public Command Describe()
    {
        var command = new Command("train", "Aligns the model of plugins.json with its rewards.") { _name, _force };
        command.SetAction(Invoke);
        return command;
    }

    private int Invoke(ParseResult parsed)
    {
        IEnumerable<string> further = parsed.GetValue(_name) is { } name ? [$"run.name={JsonText.Of(name)}"] : [];
        return run.Run(parsed, further, (plan, tuning, stop) => training.Train(plan, new TrainOptions(parsed.GetValue(_force), tuning), stop));
    }
}
