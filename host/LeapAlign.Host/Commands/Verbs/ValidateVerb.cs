using System.CommandLine;
using System.Runtime.CompilerServices;
using LeapAlign.Host.Composition;
using LeapAlign.Pipeline;
using Spectre.Console;

namespace LeapAlign.Host.Commands.Verbs;

/// <summary>Composes the run without loading weights.</summary>
internal sealed class ValidateVerb(Workspaces workspaces, Terminal terminal) : IVerb
{
    private readonly Option<bool> _resolved = new("--resolved") { Description = "Prints plugins.json with every default filled in." };

    public Command Describe()
    {
        var command = new Command("validate", "Checks plugins.json and that its parts fit together, without loading weights.") { _resolved };
        command.SetAction(Invoke);
        return command;
    }

    private int Invoke(ParseResult parsed)
    {
        using var workspace = workspaces.Open(CompositionSource.Of(parsed));
        var outcome = Validate(parsed, workspace);
        return terminal.Finish(outcome);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Result<Unit> Validate(ParseResult parsed, Workspace workspace) => workspace.Compose().Map(plan =>
    {
        if (parsed.GetValue(_resolved)) terminal.Write(plan.ResolvedJson.TrimEnd());
        else Show(plan, workspace.Source.Config);
        foreach (var idle in plan.IdleWeights) terminal.Error.Warning(idle);
        return Unit.Value;
    });

    private void Show(RunPlan plan, string config)
    {
        var table = terminal.Table("part", "id", "name", "plugin", "version");
        foreach (var (section, part) in plan.Sections.All)
        {
            string[] cells = [section.IsList ? part.Definition.Kind : section.Path, part.Definition.Id, part.Name, part.Plugin?.Id ?? "", part.Plugin?.Manifest?.Version ?? ""];
            table.AddRow(cells.Select(Terminal.Cell));
        }
        terminal.Console.Write(table);
        terminal.Write($"{config} is valid: {plan.Run.Steps} steps of {plan.Run.Batch * plan.Run.Accumulation} captions, on {plan.Run.Device} in {plan.Run.Dtype}.");
    }
}
