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
        foreach (var kind in PartKinds.All) definitions[kind] = AnyOf(parts[kind], kind == PartKinds.Reward ? ConfigurationSchema.Reward : ConfigurationSchema.Part);

        var schema = ConfigurationSchema.Build(Reference, Reference(PartKinds.Reward));
        schema.Insert(0, "$schema", "http://json-schema.org/draft-07/schema#");
        schema.Insert(1, "title", "plugins.json of LeapAlign");
        schema["required"] = new JsonArray([.. PartKinds.All.Select(kind => JsonValue.Create(ConfigurationSchema.SectionOf(kind)))]);
        schema["properties"]!["rewards"]!["minItems"] = 1;
        schema["definitions"] = definitions;
        return schema;
    }

    // Draft 7 ignores what stands beside a $ref, and the sections are described there: allOf keeps both.
    private static JsonObject Reference(string kind) => new() { ["allOf"] = new JsonArray(new JsonObject { ["$ref"] = $"#/definitions/{kind}" }) };

    private static JsonObject AnyOf(IEnumerable<(ManifestPart Part, JsonObject Settings)> parts, JsonObject entry)
    {
        var alternatives = new JsonArray();
        foreach (var (part, settings) in parts)
        {
            var needsSettings = settings["required"] is JsonArray { Count: > 0 };
            if (!needsSettings) alternatives.Add(new JsonObject { ["const"] = part.Id, ["description"] = part.Summary });

            var alternative = entry.DeepClone().AsObject();
            alternative["description"] = part.Summary;
            alternative["properties"]!["id"] = new JsonObject { ["const"] = part.Id, ["description"] = part.Summary };
            settings["description"] = $"The settings of '{part.Id}'.";
            alternative["properties"]!["settings"] = settings;
            if (needsSettings) alternative["required"] = new JsonArray("id", "settings");
            alternatives.Add(alternative);
        }
        return new() { ["anyOf"] = alternatives };
    }
}
