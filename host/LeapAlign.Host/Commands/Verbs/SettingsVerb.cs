using System.CommandLine;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Schema;
using LeapAlign.Host.Plugins;
using LeapAlign.Pipeline;
using Spectre.Console;

namespace LeapAlign.Host.Commands.Verbs;

/// <summary>Explains the settings of a part, or of a section of plugins.json that is the host's own.</summary>
internal sealed class SettingsVerb(Workspaces workspaces, Terminal terminal) : IVerb
{
    private readonly Argument<string> _id = new("id") { Description = $"A part that 'list' names, or a section: {string.Join(", ", ConfigurationSchema.Sections.Keys)}." };
    private readonly Option<string?> _kind = KindOption.Create();

    public Command Describe()
    {
        var command = new Command("settings", "Explains settings: name, type, default, range, meaning.") { _id, _kind };
        command.TakeNoOverrides("explains what can be set");
        command.SetAction(Invoke);
        return command;
    }

    private int Invoke(ParseResult parsed)
    {
        using var workspace = workspaces.Open(CompositionSource.Of(parsed));
        // It says where plugins are; what it composes is not looked at.
        var outcome = GlobalOptions.NamesConfig(parsed) && !workspace.Readable.TryGet(out _, out var unread) ? Result.Fail<Unit>(unread) : Explain(workspace.Catalog, parsed.GetValue(_id)!, parsed.GetValue(_kind));
        return terminal.Finish(outcome);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Result<Unit> Explain(PluginCatalog catalog, string id, string? kind)
    {
        if (kind is null && ConfigurationSchema.Sections.TryGetValue(id, out var section))
        {
            Show(id, $"a section of plugins.json. {ConfigurationSchema.Structure["properties"]![id]!["description"]}", section);
            return Unit.Value;
        }
        var parts = catalog.Plugins
            .Where(plugin => plugin.Manifest is not null)
            .SelectMany(plugin => plugin.Manifest!.Parts)
            .Where(part => part.Id == id && (kind is null || part.Kind == kind))
            .ToArray();
        var own = PartKinds.Sections.Where(section => section.Default is not null && (kind is null || section.Kind.Name == kind)).ToArray();
        if (own.FirstOrDefault(section => section.Default == id) is { } known)
        {
            Show(id, $"{known.Kind}, a part of the program. {known.DefaultMeaning}", ConfigurationSchema.NoSettings);
            return Unit.Value;
        }
        if (parts.Length == 0)
        {
            var ids = catalog.Plugins.SelectMany(plugin => plugin.Manifest?.Parts ?? []).Where(part => kind is null || part.Kind == kind).Select(part => part.Id).Concat(own.Select(static section => section.Default!));
            return new Fault.Plugin(FaultCodes.UnknownPlugin, $"no plugin offers {(kind is null ? "a part" : $"the {kind}")} {Quoted.Words(id)}{NearestName.Hint(id, ids.Concat(ConfigurationSchema.Sections.Keys))}");
        }
        foreach (var part in parts)
        {
            if (!catalog.Find(part.Kind, id, new("settings")).TryGet(out var plugin, out var fault)) return Result.Fail<Unit>(fault);
            var schema = plugin.Guard($"describing the settings of '{id}'", () => Result.Ok(SettingsSchema.Of(plugin.Part(part.Kind, id).Settings)));
            if (!schema.TryGet(out var described, out fault)) return Result.Fail<Unit>(fault);
            Show(id, $"{part.Kind}, plugin '{plugin.Id}' {plugin.Manifest!.Version}. {part.Summary}", described);
        }
        return Unit.Value;
    }

    private void Show(string id, string about, JsonObject schema)
    {
        terminal.Write($"{id}: {about}");
        var table = terminal.Table("name", "type", "default", "range", "meaning");
        AddRows(table, "", schema);
        if (table.Rows.Count == 0) terminal.Write("It has no settings.");
        else terminal.Console.Write(table);
    }

    private static void AddRows(Table table, string prefix, JsonObject schema)
    {
        var required = schema["required"]?.AsArray().Select(name => name!.GetValue<string>()).ToHashSet() ?? [];
        foreach (var (name, node) in schema["properties"]?.AsObject() ?? [])
        {
            var property = node as JsonObject ?? [];
            var key = JsonSource.Join(prefix, name);
            if (property["properties"] is not null)
            {
                AddRows(table, key, property);
                continue;
            }
            var fallback = required.Contains(name) ? "(required)" : property["default"]?.ToJsonString() ?? (property.ContainsKey("default") ? "null" : "");
            string[] cells = [key, SettingRow.Type(property), fallback, SettingRow.Range(property), property["description"]?.GetValue<string>() ?? ""];
            table.AddRow(cells.Select(Terminal.Cell));
        }
    }
}
