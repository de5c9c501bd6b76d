using System.CommandLine;
using LeapAlign.Host.Runs;

namespace LeapAlign.Host.Commands.Verbs.Runs;

/// <summary>Does one step of a run again and compares.</summary>
internal sealed class ReplayVerb(PlanRun run, StepReplay replay, Terminal terminal) : IVerb
{
    private readonly RunArgument _run = RunArgument.Create();
    private readonly Option<int> _step = new("--step") { Description = "The step, from 1.", HelpName = "number", Required = true };

    public Command Describe()
    {
        _step.Limit(1, int.MaxValue);
        var command = new Command("replay", "Does one step of a run again, from the newest checkpoint before it, and compares loss, rewards and gradient with what was recorded.") { _run, _step };
        command.SetAction(Invoke);
        return command;
    }

    private int Invoke(ParseResult parsed) => _run.FindSource(parsed).Match(
        found => run.Run(found.Source, (plan, _, stop) => replay.Replay(plan, found.Folder, parsed.GetValue(_step), stop)),
        terminal.Error.Error);
}
