using System.CommandLine;
using System.Runtime.CompilerServices;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Plugins;
using LeapAlign.Pipeline;
using Spectre.Console;

namespace LeapAlign.Host.Commands.Verbs;

/// <summary>
/// Lists plugins. Each is loaded and asked for its parts, so that one that would fail in a run is listed as faulted. Algorithms, objectives
/// and optimizers are listed with what they require and cost.
/// </summary>
internal sealed class ListVerb(Workspaces workspaces, Terminal terminal) : IVerb
{
    private const int UsualSteps = 10;
    private readonly Option<string?> _kind = KindOption.Create();

    public Command Describe()
    {
        var command = new Command("list", "Lists the plugins: id, kind, version, state, and why one is faulted. Of algorithms, objectives and optimizers (--kind) also what they require and cost.") { _kind };
        command.SetAction(Invoke);
        return command;
    }

    private int Invoke(ParseResult parsed)
    {
        using var workspace = workspaces.Open(CompositionSource.Of(parsed));
        var outcome = Show(workspace, parsed.GetValue(_kind), GlobalOptions.NamesConfig(parsed) || workspace.Source.Set.Count > 0);
        return terminal.Finish(outcome);
    }

    // Kept out of line so that no stack slot holds a plugin type after it returns.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Result<Unit> Show(Workspace workspace, string? kind, bool asked)
    {
        var needs = kind is PartKinds.Algorithm or PartKinds.Objective or PartKinds.Optimizer;
        if (!needs && workspace.Source.Set.Count > 0) return Misuse.Of("--set changes what parts require and cost, which list shows with --kind algorithm, objective or optimizer");
        if (asked && !workspace.Readable.TryGet(out _, out var unread)) return Result.Fail<Unit>(unread);
        foreach (var plugin in workspace.Catalog.Plugins) PluginCatalog.Prepare(plugin);
        var rows = workspace.Catalog.Plugins
            .SelectMany(plugin => (plugin.Manifest?.Parts ?? [new ManifestPart { Kind = "", Id = plugin.Id }]).Select(part => new ListedPart(plugin, part)))
            .Concat(ListedPart.OfProgram)
            .Where(row => kind is null || row.Kind == kind)
            .OrderBy(row => PartKinds.All.ToList().IndexOf(row.Kind)).ThenBy(row => row.Id, StringComparer.Ordinal)
            .ToList();
        if (needs) return ShowNeeds(workspace, rows, kind == PartKinds.Algorithm, asked);
        ShowStates(rows);
        return Unit.Value;
    }

    private void ShowStates(IReadOnlyList<ListedPart> rows)
    {
        var table = terminal.Table("id", "kind", "version", "state", "about");
        foreach (var row in rows) table.AddRow(Cells(row).Select(Terminal.Cell));
        terminal.Console.Write(table);
    }

    private static string[] Cells(ListedPart row) => [row.Id, row.Kind, row.Version, row.State, row.About];

    // What is required and costed depends on settings: those of plugins.json, where a part stands in it. One that cannot be composed is told, since defaults take its place.
    private Result<Unit> ShowNeeds(Workspace workspace, IReadOnlyList<ListedPart> rows, bool algorithms, bool asked)
    {
        RunPlan? plan = null;
        if (asked || File.Exists(workspace.Source.Config))
        {
            if (workspace.Compose().TryGet(out var composed, out var fault)) plan = composed;
            else if (asked) return Result.Fail<Unit>(fault);
            else terminal.Error.Warning(fault);
        }
        var steps = plan is null ? UsualSteps : Steps(plan.Sampler);
        var needs = rows.Select(row => (row, Settings: plan?.Sections.All.FirstOrDefault(found => found.Part.Definition.Kind == row.Kind && found.Part.Definition.Id == row.Id).Part?.Settings))
            .Select(found => (found.row, Requires: string.Join(", ", found.row.Requires(found.Settings)), Cost: found.row.Cost(found.Settings, steps))).ToList();
        var costs = needs.Exists(static need => need.Cost.Length > 0);
        string[] first = algorithms ? ["id", "about"] : ["id", "kind", "version", "state", "about"];
        var table = terminal.Table([.. first, "requires", .. costs ? [$"cost of an image, N = {steps}"] : Array.Empty<string>()]);
        foreach (var (row, requires, cost) in needs)
        {
            string[] cells = [.. algorithms ? [row.Id, row.About] : Cells(row), requires, .. costs ? [cost] : Array.Empty<string>()];
            table.AddRow(cells.Select(Terminal.Cell));
        }
        terminal.Console.Write(table);
        if (costs) terminal.Write($"F: an evaluation of the network. G: one that is recorded and followed by its backward, about 3 F. V: decoding and scoring with their backward.{(algorithms ? " Guidance doubles F and G." : "")}");
        return Unit.Value;
    }

    private static int Steps(PartPlan sampler)
    {
        var said = () => Result.Ok(sampler.Definition.Steps(sampler.Settings) ?? UsualSteps);
        return (sampler.Plugin is { } plugin ? plugin.Guard($"describing '{sampler.Definition.Id}'", said) : said()).Match(static steps => steps, static _ => UsualSteps);
    }
}
