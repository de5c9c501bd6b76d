using System.CommandLine;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Commands.Verbs;
using LeapAlign.Host.Commands.Verbs.Runs;

namespace LeapAlign.Host.Influences;

/// <summary>Says which prompts drove the update of a step.</summary>
internal sealed class InfluenceVerb(PlanRun run, StepInfluence influence, Terminal terminal) : IVerb
{
    /// <summary>The option of the step, which is the place of its faults.</summary>
    public const string StepOption = "--step";

    private readonly RunArgument _run = RunArgument.Create();
    private readonly Option<int> _step = new(StepOption) { Description = "The step, from 1.", HelpName = "number", Required = true };
    private readonly Option<string?> _json = new("--json") { Description = "Writes the table, with how much each prompt lowers the loss of each other, as JSON; - for standard output.", HelpName = "path" };
    private readonly Option<string?> _csv = new("--csv") { Description = "Writes the table as comma-separated values; - for standard output.", HelpName = "path" };

    public Command Describe()
    {
        _step.Limit(1, int.MaxValue);
        var command = new Command("influence", "Says which prompts drove the update of a step of a run whose optimizer knows a curvature: does it again, from the newest checkpoint before it.") { _run, _step, _json, _csv };
        command.Validators.Add(result => OutputFile.OneAtMost(result, _json, _csv));
        command.KeepApart([_json, _csv]);
        command.SetAction(Invoke);
        return command;
    }

    private int Invoke(ParseResult parsed)
    {
        var options = new InfluenceOptions(parsed.GetValue(_step), parsed.GetValue(_json), parsed.GetValue(_csv));
        return _run.FindSource(parsed).Match(found => run.Run(found.Source, (plan, _, stop) => influence.Of(plan, found.Folder, options, stop)), terminal.Error.Error);
    }
}

/// <summary>Options of <c>influence</c>.</summary>
/// <param name="Step">The step, from 1.</param>
/// <param name="Json">Where the table goes as JSON; null for nowhere.</param>
/// <param name="Csv">Where it goes as comma-separated values; null for nowhere.</param>
internal sealed record InfluenceOptions(int Step, string? Json, string? Csv)
{
    /// <summary>The files that are written.</summary>
    public IEnumerable<string> Files => new[] { Json, Csv }.OfType<string>().Where(static path => path != OutputFile.StandardOutput);

    /// <summary>Whether standard output is for data alone.</summary>
    public bool TakesOutput => Json == OutputFile.StandardOutput || Csv == OutputFile.StandardOutput;
}
