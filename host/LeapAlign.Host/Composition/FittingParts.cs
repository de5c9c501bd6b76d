using System.Text.Json.Nodes;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Schema;
using LeapAlign.Host.Plugins;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Composition;

/// <summary>A part that could stand in an entry of plugins.json.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Entry">The entry.</param>
/// <param name="Blanks">Words in capitals that stand in settings which only the user knows.</param>
internal sealed record FittingPart(string Id, JsonNode Entry, IReadOnlyList<string> Blanks);

/// <summary>Parts of the installed plugins that provide what is required.</summary>
internal sealed class FittingParts(PluginCatalog catalog, JsonSource source)
{
    /// <summary>The parts that fit, in the order of plugins.</summary>
    /// <param name="section">The section that the entry stands in.</param>
    /// <param name="needs">Capabilities that one part is to provide.</param>
    /// <param name="entry">The entry that is there. Of its settings, those that the other part has too are kept.</param>
    /// <param name="key">The path of the entry.</param>
    public IReadOnlyList<FittingPart> Of(PartSection section, IReadOnlyList<string> needs, JsonNode? entry, string key) =>
        [.. catalog.Ids(section.Kind.Name).Distinct(StringComparer.Ordinal).Select(id => Part(section, id, needs, entry, key)).OfType<FittingPart>()];

    // A plugin that cannot be loaded offers nothing; that is no news here.
    private FittingPart? Part(PartSection section, string id, IReadOnlyList<string> needs, JsonNode? entry, string key) =>
        catalog.Find(section.Kind.Name, id, source.Place(key)).Match(plugin => plugin.Unharmed(() => Part(plugin.Part(section.Kind.Name, id), plugin, needs, (section, entry, key))), static _ => null);

    private FittingPart? Part(PartDefinition definition, PluginHandle plugin, IReadOnlyList<string> needs, (PartSection Section, JsonNode? Entry, string Key) old)
    {
        if (!plugin.Guard($"describing the settings of '{definition.Id}'", () => Result.Ok(SettingsSchema.Of(definition.Settings))).TryGet(out var schema, out _)) return null;
        var properties = schema["properties"] as JsonObject ?? [];
        var kept = (old.Entry as JsonObject)?["settings"] as JsonObject ?? [];
        var shared = new JsonObject(kept.Where(pair => properties.ContainsKey(pair.Key)).Select(static pair => KeyValuePair.Create(pair.Key, pair.Value?.DeepClone())));
        string[] required = schema["required"] is JsonArray names ? [.. names.Select(static name => name!.GetValue<string>())] : [];
        // As it was, then with nothing of before, then with a text or a number for one setting that is null otherwise: a folder for pictures, a threshold for scores.
        IEnumerable<(JsonObject Kept, string[] Blanks)> tries =
        [
            .. from start in new[] { shared, [] } select (start, required.Where(name => !start.ContainsKey(name)).ToArray()),
            .. from name in properties.Where(static pair => IsText(pair.Value)).Select(static pair => pair.Key)
               where !required.Contains(name, StringComparer.Ordinal)
               select (new JsonObject(), required.Append(name).ToArray()),
            // A number cannot stand in capitals: half is where a score that is passed or failed is cut.
            .. from name in properties.Where(static pair => IsUnsetNumber(pair.Value)).Select(static pair => pair.Key)
               where !required.Contains(name, StringComparer.Ordinal)
               select (new JsonObject { [name] = 0.5 }, required),
        ];
        return tries.Select(each => Try(definition, needs, old, each)).FirstOrDefault(static part => part is not null);
    }

    private FittingPart? Try(PartDefinition definition, IReadOnlyList<string> needs, (PartSection Section, JsonNode? Entry, string Key) old, (JsonObject Kept, string[] Blanks) settings)
    {
        var written = settings.Kept.DeepClone().AsObject();
        foreach (var blank in settings.Blanks) written[blank] = blank.ToUpperInvariant();
        var entry = new JsonObject { ["id"] = definition.Id };
        // An entry of a list keeps what the run calls it and takes it for, and no pin of another plugin.
        foreach (var (name, value) in old.Entry as JsonObject ?? [])
        {
            if (name is not ("id" or "settings" or "sha256")) entry[name] = value?.DeepClone();
        }
        if (written.Count > 0) entry["settings"] = written;
        JsonNode bare = entry.Count == 1 ? JsonValue.Create(definition.Id) : entry;
        return new PartReader(catalog, source).Read(old.Section, bare, old.Key)
            .Bind(static part => Requirements.Provides(part!))
            .Match(offers => needs.All(need => offers.Contains(need, StringComparer.Ordinal)), static _ => false)
            ? new FittingPart(definition.Id, bare, [.. settings.Blanks.Select(static blank => blank.ToUpperInvariant())])
            : null;
    }

    private static bool IsUnsetNumber(JsonNode? property) => property?["type"] is JsonArray types && types.Any(static type => type?.GetValue<string>() == "number") && types.Any(static type => type?.GetValue<string>() == "null");

    private static bool IsText(JsonNode? property) => property?["enum"] is null && property?["type"] switch
    {
        JsonArray types => types.Any(static type => type?.GetValue<string>() == "string"),
        _ => false,
    };
}
