using System.Text.Json;
using System.Text.Json.Nodes;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Schema;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Pins;
using LeapAlign.Host.Plugins;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Composition;

/// <summary>Reads the entries of plugins.json that name parts: <c>"id"</c>, or <c>{ "id": ..., "settings": ... }</c>.</summary>
internal sealed class PartReader(PluginCatalog catalog, JsonSource source)
{
    /// <summary>Reads sections.</summary>
    /// <param name="root">plugins.json.</param>
    /// <param name="sections">Which, in the order of the table of kinds.</param>
    public Result<PlannedParts> ReadAll(JsonObject root, IEnumerable<PartSection> sections) =>
        sections.Aggregate(Result.Ok(PlannedParts.None), (read, section) =>
            from before in read
            from parts in Read(section, root)
            select parts.Count == 0 ? before : before.With(section.Path, parts));

    /// <summary>Reads an entry.</summary>
    /// <param name="section">The section that it stands in.</param>
    /// <param name="entry">The entry.</param>
    /// <param name="key">Its path.</param>
    /// <returns>The part; null for the one that the host knows itself.</returns>
    public Result<PartPlan?> Read(PartSection section, JsonNode? entry, string key) =>
        from id in NamedPart.ReadId(section, key, entry, source)
        from part in id == section.Default ? HostsOwn(section, id, entry, key) : Part(section, id, entry, key).Map(static part => (PartPlan?)part)
        select part;

    private Result<List<PartPlan>> Read(PartSection section, JsonObject root)
    {
        var parts = new List<PartPlan>();
        foreach (var (key, node) in section.Entries(root))
        {
            if (!Read(section, node, key).TryGet(out var part, out var fault)) return Result.Fail<List<PartPlan>>(fault);
            if (part is null) continue;
            if (section.IsList && parts.Find(other => other.Name == part.Name) is { } other)
            {
                var message = $"two {section.Path} are called '{part.Name}' (the other: {other.Place}); give one another \"name\"";
                return new Fault.Configuration(FaultCodes.Duplicate, message, part.Place);
            }
            parts.Add(part);
        }
        return parts;
    }

    // It has neither settings nor a plugin that could be pinned.
    private Result<PartPlan?> HostsOwn(PartSection section, string id, JsonNode? entry, string key)
    {
        if ((entry as JsonObject)?["settings"] is JsonObject settings && SchemaCheck.First(settings, ConfigurationSchema.NoSettings, JsonSource.Join(key, "settings"), source) is { } fault)
            return Result.Fail<PartPlan?>(fault);
        return (entry as JsonObject)?["sha256"] is null
            ? Result.Ok<PartPlan?>(null)
            : new Fault.Configuration(FaultCodes.UnknownKey, $"the {section.Kind} '{id}' is a part of the program: there is no plugin to pin", source.Place(JsonSource.Join(key, "sha256")));
    }

    private static ListEntry? Said(PartSection section, string id, JsonNode? entry)
    {
        if (ListEntry.In(section) is not { } type) return null;
        var said = entry is JsonObject keys ? keys.DeepClone().AsObject() : [];
        foreach (var (name, _) in ConfigurationSchema.Part["properties"]!.AsObject()) said.Remove(name);
        var read = (ListEntry)JsonSerializer.Deserialize(said, type)!;
        return read with { Name = read.Name ?? id };
    }

    private Result<PartPlan> Part(PartSection section, string id, JsonNode? entry, string key)
    {
        var kind = section.Kind.Name;
        var said = Said(section, id, entry);
        var inObject = entry is JsonObject;
        var place = source.Place(inObject ? JsonSource.Join(key, "id") : key);
        var settings = (entry as JsonObject)?["settings"] ?? new JsonObject();
        var pin = (entry as JsonObject)?["sha256"]?.GetValue<string>();
        return
            from plugin in catalog.Find(kind, id, place)
            let definition = plugin.Part(kind, id)
            from read in Settings(plugin, definition, settings, JsonSource.Join(key, "settings"))
            select new PartPlan(definition, read, said?.Name ?? id, source.Place(key)) { Plugin = plugin, Pin = pin, Entry = said };
    }

    private Result<object> Settings(PluginHandle plugin, PartDefinition definition, JsonNode settings, string key) =>
        from schema in plugin.Guard($"describing the settings of '{definition.Id}'", () => Result.Ok(SettingsSchema.Of(definition.Settings)))
        from _ in SchemaCheck.First(settings, schema, key, source) is { } fault ? Result.Fail<Unit>(fault) : Unit.Value
        from read in plugin.Guard($"reading the settings of '{definition.Id}'", () => Deserialize(definition, settings, key))
        select read;

    private Result<object> Deserialize(PartDefinition definition, JsonNode settings, string key)
    {
        try
        {
            return Result.Ok(definition.ReadSettings(settings.ToJsonString()));
        }
        catch (JsonException refused)
        {
            // What a schema cannot say: an integer beyond its type, a converter's own rule.
            var at = refused.Path is { Length: > 2 } path && path.StartsWith("$.", StringComparison.Ordinal) ? JsonSource.Join(key, path[2..]) : key;
            return new Fault.Configuration(FaultCodes.WrongType, $"the value does not fit: {FirstSentence(refused.Message)}", source.Place(at));
        }
    }

    private static string FirstSentence(string message) => message.Split(" Path:")[0].TrimEnd('.', ' ').ReplaceLineEndings(" ");
}
