using System.CommandLine;
using System.Runtime.CompilerServices;
using System.Text;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Schema;
using LeapAlign.Host.Plugins;
using LeapAlign.Host.Telemetry.Schema;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Commands.Verbs;

/// <summary>Writes plugins.schema.json.</summary>
internal sealed class SchemaVerb(Workspaces workspaces, Terminal terminal) : IVerb
{
    private readonly Option<string?> _output = new("--output", "-o")
    {
        Description = $"The file to write; {EditorSchema.FileName} beside plugins.json when absent.",
        HelpName = "path",
    };

    private readonly Option<bool> _telemetry = new("--telemetry") { Description = "Writes telemetry.md instead: every span, metric and attribute." };

    public bool WritesFiles => true;

    public Command Describe()
    {
        var command = new Command("schema", $"Writes {EditorSchema.FileName}, with which an editor completes and checks plugins.json.") { _output, _telemetry };
        command.KeepApart([_output]);
        command.TakeNoOverrides("writes what the installed plugins say of their settings");
        command.SetAction(Invoke);
        return command;
    }

    private int Invoke(ParseResult parsed)
    {
        if (parsed.GetValue(_telemetry)) return Write(parsed.GetValue(_output) ?? "telemetry.md", TelemetryPage.Write(Installed(parsed)));
        using var workspace = workspaces.Open(CompositionSource.Of(parsed));
        var path = parsed.GetValue(_output) ?? Path.Combine(workspace.Folder, EditorSchema.FileName);
        var text = Text(workspace.Catalog);
        return Write(path, text);
    }

    private IEnumerable<PluginManifest> Installed(ParseResult parsed) =>
        workspaces.Installed(CompositionSource.Of(parsed)).Plugins.Where(static plugin => plugin.Fault is null).Select(static plugin => plugin.Manifest!);

    private int Write(string path, string text) => terminal.Finish(OutputFile.Write(path, Encoding.UTF8.GetBytes(text)).Map(_ =>
    {
        terminal.Write($"wrote {path}");
        return Unit.Value;
    }));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private string Text(PluginCatalog catalog)
    {
        foreach (var plugin in catalog.Plugins)
        {
            if (!PluginCatalog.Prepare(plugin).TryGet(out _, out var fault)) terminal.Error.Warning(fault);
        }
        return ResolvedConfiguration.Text(EditorSchema.Of(catalog.Plugins));
    }
}
