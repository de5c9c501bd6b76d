using System.Text.Json.Nodes;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Configuration.Sections;

namespace LeapAlign.Host.Configuration.Schema;

/// <summary>The schema of plugins.json, apart from what each part's settings are.</summary>
internal static class ConfigurationSchema
{
    /// <summary>Settings without keys.</summary>
    public static JsonObject NoSettings { get; } = new() { ["type"] = "object", ["properties"] = new JsonObject(), ["additionalProperties"] = false };

    /// <summary>An entry that names a part with settings.</summary>
    public static JsonObject Part { get; } = Entry([]);

    private static readonly Dictionary<string, JsonObject> s_entries = PartKinds.Sections.ToDictionary(
        static section => section.Path, static section => ListEntry.In(section) is { } type ? Entry(SettingsSchema.Of(type)["properties"]!.AsObject()) : Part);

    /// <summary>The sections and the host's own keys. Parts are anything here; each is checked against its own schema.</summary>
    public static JsonObject Structure { get; } = Build(static _ => new JsonObject());

    /// <summary>Every section of plugins.json with what it holds: the host's own settings, or the entry of a part.</summary>
    public static IReadOnlyDictionary<string, JsonObject> Sections { get; } = Structure["properties"]!.AsObject()
        .Where(static section => !section.Key.StartsWith('$'))
        .ToDictionary(static pair => pair.Key, static pair => PartKinds.Sections.FirstOrDefault(section => section.Path == pair.Key) is { } section ? EntryOf(section) : pair.Value!.AsObject());

    /// <summary>The schema of an entry of a section that names parts.</summary>
    public static JsonObject EntryOf(PartSection section) => s_entries[section.Path];

    /// <summary>Puts the sections together.</summary>
    /// <param name="part">The schema of a part of a kind.</param>
    public static JsonObject Build(Func<PartKind, JsonNode> part)
    {
        var properties = new JsonObject { ["$schema"] = new JsonObject { ["type"] = "string" } };
        AddHosts(HostSection.Run);
        foreach (var section in PartKinds.Sections.Where(static section => section.Inside() is null)) properties[section.Path] = Holding(section);
        foreach (var section in HostSection.Further) AddHosts(section);
        return new JsonObject { ["type"] = "object", ["properties"] = properties, ["additionalProperties"] = false };

        void AddHosts(HostSection section)
        {
            var schema = SettingsSchema.Of(section.Type);
            foreach (var inner in PartKinds.Sections.Where(inner => inner.Inside() == section.Name)) schema["properties"]![inner.Key()] = Holding(inner);
            properties[section.Name] = Described(schema, section.Meaning);
        }

        JsonNode Holding(PartSection section) =>
            Described(section.IsList ? new JsonObject { ["type"] = "array", ["items"] = part(section.Kind) } : part(section.Kind), section.Meaning);
    }

    private static JsonNode Described(JsonNode schema, string meaning)
    {
        schema["description"] = meaning;
        return schema;
    }

    private static JsonObject Entry(JsonObject further)
    {
        var properties = new JsonObject
        {
            ["id"] = new JsonObject { ["type"] = "string", ["description"] = "The part, as plugins name it." },
            ["settings"] = new JsonObject { ["type"] = "object", ["description"] = "The settings of the part." },
        };
        properties["sha256"] = new JsonObject
        {
            ["type"] = "string",
            ["pattern"] = "^[0-9a-fA-F]{64}$",
            ["description"] = "The SHA-256 of the plugin's folder, as 'leapalign pin' writes it; a run with another folder does not begin.",
        };
        foreach (var (name, schema) in further) properties[name] = schema?.DeepClone();
        return new JsonObject
        {
            ["type"] = "object",
            ["properties"] = properties,
            ["required"] = new JsonArray("id"),
            ["additionalProperties"] = false,
        };
    }
}
