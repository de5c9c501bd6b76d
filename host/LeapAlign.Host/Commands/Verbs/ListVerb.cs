using System.CommandLine;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Plugins;
using Spectre.Console;

namespace LeapAlign.Host.Commands.Verbs;

/// <summary>Lists plugins. Each is loaded and asked for its parts, so that one that would fail in a run is listed as faulted.</summary>
internal sealed class ListVerb(IPluginLoader loader, BundledPlugins bundled, Terminal terminal) : IVerb
{
    private readonly Option<string?> _kind = KindOption.Create();

    public Command Describe()
    {
        var command = new Command("list", "Lists the plugins: id, kind, version, state, and why one is faulted.") { _kind };
        command.SetAction(Invoke);
        return command;
    }

    private int Invoke(ParseResult parsed)
    {
        var workspace = Workspace.Open(parsed, loader, bundled);
        foreach (var plugin in workspace.Catalog.Plugins) PluginCatalog.Prepare(plugin);

        var kind = parsed.GetValue(_kind);
        var rows = workspace.Catalog.Plugins
            .SelectMany(plugin => (plugin.Manifest?.Parts ?? [new ManifestPart { Kind = "", Id = plugin.Id }]).Select(part => (plugin, part)))
            .Where(row => kind is null || row.part.Kind == kind)
            .OrderBy(row => PartKinds.All.ToList().IndexOf(row.part.Kind)).ThenBy(row => row.part.Id, StringComparer.Ordinal);
        var table = terminal.Table("id", "kind", "version", "state", "about");
        foreach (var (plugin, part) in rows)
        {
            var about = plugin.Fault is { } fault ? $"{fault.Code} {fault.Message}" : part.Summary;
            string[] cells = [part.Id, part.Kind, plugin.Manifest?.Version ?? "", plugin.State.ToString(), about];
            table.AddRow(cells.Select(cell => new Text(cell)));
        }
        terminal.Console.Write(table);
        foreach (var fault in workspace.Catalog.Unload()) terminal.Error.Warning(fault);
        return 0;
    }
}
