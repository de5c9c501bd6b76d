using System.CommandLine;
using System.Runtime.CompilerServices;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Plugins;
using LeapAlign.Pipeline;
using Spectre.Console;

namespace LeapAlign.Host.Commands.Verbs;

/// <summary>
/// Lists plugins. Each is loaded and asked for its parts, so that one that would fail in a run is listed as faulted. Algorithms are listed with what they
/// require and cost.
/// </summary>
internal sealed class ListVerb(Workspaces workspaces, Terminal terminal) : IVerb
{
    private const int UsualSteps = 10;
    private readonly Option<string?> _kind = KindOption.Create();

    public Command Describe()
    {
        var command = new Command("list", "Lists the plugins: id, kind, version, state, and why one is faulted. Of algorithms also what they require and cost.") { _kind };
        command.SetAction(Invoke);
        return command;
    }

    private int Invoke(ParseResult parsed)
    {
        using var workspace = workspaces.Open(CompositionSource.Of(parsed));
        Show(workspace, parsed.GetValue(_kind));
        return 0;
    }

    // Kept out of line so that no stack slot holds a plugin type after it returns.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Show(Workspace workspace, string? kind)
    {
        foreach (var plugin in workspace.Catalog.Plugins) PluginCatalog.Prepare(plugin);
        var rows = workspace.Catalog.Plugins
            .SelectMany(plugin => (plugin.Manifest?.Parts ?? [new ManifestPart { Kind = "", Id = plugin.Id }]).Select(part => new ListedPart(plugin, part)))
            .Concat(ListedPart.OfProgram)
            .Where(row => kind is null || row.Kind == kind)
            .OrderBy(row => PartKinds.All.ToList().IndexOf(row.Kind)).ThenBy(row => row.Id, StringComparer.Ordinal)
            .ToList();
        if (kind == PartKinds.Algorithm) ShowCosts(workspace, rows);
        else ShowStates(rows);
    }

    private void ShowStates(IReadOnlyList<ListedPart> rows)
    {
        var table = terminal.Table("id", "kind", "version", "state", "about");
        foreach (var row in rows)
        {
            string[] cells = [row.Id, row.Kind, row.Version, row.State, row.About];
            table.AddRow(cells.Select(Terminal.Cell));
        }
        terminal.Console.Write(table);
    }

    private void ShowCosts(Workspace workspace, IReadOnlyList<ListedPart> rows)
    {
        var plan = workspace.Compose().Match<RunPlan?>(static plan => plan, static _ => null);
        var steps = plan is null ? UsualSteps : Steps(plan.Sampler);
        var table = terminal.Table("id", "about", "requires", $"cost of an image, N = {steps}");
        foreach (var row in rows)
        {
            var settings = plan?.Algorithm.Definition.Id == row.Id ? plan.Algorithm.Settings : null;
            string[] cells = [row.Id, row.About, string.Join(", ", row.Requires(settings)), row.Cost(settings, steps)];
            table.AddRow(cells.Select(Terminal.Cell));
        }
        terminal.Console.Write(table);
        terminal.Write("F: an evaluation of the network. G: one that is recorded and followed by its backward, about 3 F. V: decoding and scoring with their backward. Guidance doubles F and G.");
    }

    private static int Steps(PartPlan sampler)
    {
        var said = () => Result.Ok(sampler.Definition.Steps(sampler.Settings) ?? UsualSteps);
        return (sampler.Plugin is { } plugin ? plugin.Guard($"describing '{sampler.Definition.Id}'", said) : said()).Match(static steps => steps, static _ => UsualSteps);
    }
}
