using System.Text.Json.Nodes;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Plugins;

namespace LeapAlign.Host.Configuration.Schema;

/// <summary><c>plugins.schema.json</c>: plugins.json with every part that is installed, so that an editor completes and checks it.</summary>
internal static class EditorSchema
{
    /// <summary>The name of the file, beside plugins.json.</summary>
    public const string FileName = "plugins.schema.json";

    /// <summary>Makes the schema.</summary>
    /// <param name="plugins">Configured plugins; others are left out.</param>
    public static JsonObject Of(IEnumerable<PluginHandle> plugins)
    {
        var parts = plugins
            .Where(plugin => plugin.State is >= PluginState.Configured and < PluginState.Unloaded)
            .SelectMany(plugin => plugin.Manifest!.Parts.Select(part => (part, settings: SettingsSchema.Of(plugin.Part(part.Kind, part.Id).Settings))))
            .OrderBy(pair => pair.part.Id, StringComparer.Ordinal)
            .ToLookup(pair => pair.part.Kind);

        var definitions = new JsonObject();
        foreach (var kind in PartKinds.Table) definitions[kind.Name] = AnyOf(kind, parts[kind.Name]);

        var schema = ConfigurationSchema.Build(Reference);
        schema.Insert(0, "$schema", "http://json-schema.org/draft-07/schema#");
        schema.Insert(1, "title", "plugins.json of LeapAlign");
        var required = PartKinds.Sections.Where(static section => section.IsRequired).ToList();
        schema["required"] = new JsonArray([.. required.Select(static section => JsonValue.Create(section.Path))]);
        foreach (var list in required.Where(static section => section.IsList)) schema["properties"]![list.Path]!["minItems"] = 1;
        schema["definitions"] = definitions;
        return schema;
    }

    // Draft 7 ignores what stands beside a $ref, and the sections are described there: allOf keeps both.
    private static JsonObject Reference(PartKind kind) => new() { ["allOf"] = new JsonArray(new JsonObject { ["$ref"] = $"#/definitions/{kind}" }) };

    // An enum of one word: more validators know it than const.
    private static JsonObject Only(string id, string summary) => new() { ["enum"] = new JsonArray(id), ["description"] = summary };

    private static JsonObject AnyOf(PartKind kind, IEnumerable<(ManifestPart Part, JsonObject Settings)> installed)
    {
        var entry = ConfigurationSchema.EntryOf(kind.Sections[0]);
        var alternatives = new JsonArray();
        var own = kind.Sections.Where(static section => section.Default is not null)
            .Select(section => (new ManifestPart { Kind = kind.Name, Id = section.Default!, Summary = section.DefaultMeaning }, ConfigurationSchema.NoSettings.DeepClone().AsObject()));
        foreach (var (part, settings) in own.Concat(installed))
        {
            var needsSettings = settings["required"] is JsonArray { Count: > 0 };
            if (!needsSettings) alternatives.Add(Only(part.Id, part.Summary));

            var alternative = entry.DeepClone().AsObject();
            alternative["description"] = part.Summary;
            alternative["properties"]!["id"] = Only(part.Id, part.Summary);
            settings["description"] = $"The settings of '{part.Id}'.";
            alternative["properties"]!["settings"] = settings;
            if (needsSettings) alternative["required"] = new JsonArray("id", "settings");
            alternatives.Add(alternative);
        }
        // A list of alternatives may not be empty; what no plugin offers is refused by name when the run is composed.
        if (alternatives.Count == 0) alternatives = [new JsonObject { ["type"] = "string" }, entry.DeepClone()];
        return new() { ["anyOf"] = alternatives };
    }
}
