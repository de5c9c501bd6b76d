using System.CommandLine;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Commands.Verbs;
using LeapAlign.Host.Configuration;

namespace LeapAlign.Host.Profiling;

/// <summary>Says where the time and the memory of a step go.</summary>
internal sealed class ProfileVerb(PlanRun run, ShortRun shortRun) : IVerb
{
    private readonly Option<int> _steps = new("--steps") { Description = "Steps that count; one before them warms up.", HelpName = "count", DefaultValueFactory = static _ => 3 };

    public Command Describe()
    {
        var command = new Command("profile", "Runs a few steps of plugins.json, writes nothing, and prints where time and memory went.") { _steps };
        command.SetAction(Invoke);
        return command;
    }

    private int Invoke(ParseResult parsed)
    {
        var steps = parsed.GetValue(_steps);
        return run.Run(CompositionSource.Of(parsed), (plan, _, stop) => steps > 0
            ? shortRun.Run(plan, steps, stop)
            : Misuse.Of($"--steps is {steps}; at least one step was expected"));
    }
}
