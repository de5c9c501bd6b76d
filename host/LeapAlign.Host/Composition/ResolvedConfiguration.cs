using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Sections;

namespace LeapAlign.Host.Composition;

/// <summary>plugins.json as a run understood it: nothing in it is left to a default.</summary>
internal static class ResolvedConfiguration
{
    /// <summary>Writes a plan; composing the text again gives the same plan.</summary>
    public static string Write(RunPlan plan)
    {
        var root = new JsonObject { [HostSection.Run.Name] = Settings(HostSection.Run, plan) };
        foreach (var section in PartKinds.Sections.Where(static section => section.Inside() is null)) Put(section, root, plan);
        foreach (var section in HostSection.Further) root[section.Name] = Settings(section, plan);
        foreach (var section in PartKinds.Sections.Where(static section => section.Inside() is not null)) Put(section, root, plan);
        return Text(root);
    }

    /// <summary>What an older version wrote, with the defaults of keys that it did not know: such a key is no change. What does not fit stays as it is.</summary>
    /// <param name="written">The configuration.</param>
    /// <param name="plan">Its parts, as far as they have the same ids, say what their settings are.</param>
    public static JsonObject WithDefaults(JsonObject written, RunPlan plan)
    {
        var whole = written.DeepClone().AsObject();
        foreach (var section in HostSection.All) Complete(whole[section.Name] ??= new JsonObject(), section.Name, section.Type);
        foreach (var section in PartKinds.Sections)
        {
            if (section.Find(whole) is null && Absent(section) is { } absent) section.Set(whole, absent);
            var parts = plan.Sections.In(section.Path);
            foreach (var (_, entry) in section.Entries(whole))
            {
                var part = parts.FirstOrDefault(part => !section.IsList || part.Name == Word(entry, "name"));
                if (part is null || Word(entry, "id") != part.Definition.Id) continue;
                Complete(entry["settings"], "", part.Definition.Settings);
            }
        }
        return whole;
    }

    // What stands for a section that is absent; null where absence is all that can be said.
    private static JsonNode? Absent(PartSection section) => section switch
    {
        { Default: { } id } => new JsonObject { ["id"] = id, ["settings"] = new JsonObject() },
        { IsList: true } => new JsonArray(),
        _ => null,
    };

    private static JsonNode? Settings(HostSection section, RunPlan plan) => JsonSerializer.SerializeToNode(section.Of(plan), section.Type);

    private static void Put(PartSection section, JsonObject root, RunPlan plan)
    {
        var parts = plan.Sections.In(section.Path).Select(part => (JsonNode)Part(part, ListEntry.In(section))).ToArray();
        var node = parts.Length == 0 ? Absent(section) : section.IsList ? new JsonArray(parts) : parts[0];
        if (node is not null) section.Set(root, node);
    }

    private static string? Word(JsonNode? entry, string key) => (entry as JsonObject)?[key] is JsonValue value && value.TryGetValue(out string? word) ? word : null;

    private static void Complete(JsonNode? section, string name, JsonTypeInfo type)
    {
        if (section is not JsonObject known) return;
        try
        {
            foreach (var (key, value) in JsonSerializer.SerializeToNode(JsonSerializer.Deserialize(PartSections.WithoutParts(known, name), type), type)!.AsObject())
            {
                if (!known.ContainsKey(key)) known[key] = value?.DeepClone();
            }
        }
        catch (JsonException)
        {
            // Written for other keys: all that differs is told.
        }
    }

    /// <summary>Indented JSON with line feeds, whatever the platform.</summary>
    public static string Text(JsonNode node) => IndentedJson.Of(writer => node.WriteTo(writer));

    private static JsonObject Part(PartPlan part, JsonTypeInfo? further)
    {
        var entry = new JsonObject { ["id"] = part.Definition.Id };
        if (further is not null && part.Entry is { } said)
        {
            foreach (var (key, value) in JsonSerializer.SerializeToNode(said, further)!.AsObject()) entry[key] = value?.DeepClone();
        }
        if (part.Pin is { } pin) entry["sha256"] = pin;
        entry["settings"] = JsonNode.Parse(part.Definition.WriteSettings(part.Settings));
        return entry;
    }
}
