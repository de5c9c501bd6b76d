using System.Text.Json.Nodes;
using LeapAlign.Host.Configuration;

namespace LeapAlign.Bench.Fuzz.Targets;

/// <summary>
/// Looks for keys that plugins.schema.json does not know, without the validator that the host uses: only names of keys, ids of parts and the kind of a
/// value are compared.
/// </summary>
/// <param name="schema">The schema that an editor gets.</param>
internal sealed class KnownKeys(JsonObject schema)
{
    /// <summary>The path of a key that is not known; null when all are.</summary>
    public string? FirstUnknown(JsonNode value) => Unknown(value, schema, "");

    /// <summary>The words that a schema allows somewhere.</summary>
    public static IEnumerable<string> Words(JsonNode? node) => node switch
    {
        JsonObject keys => keys.SelectMany(static pair => pair.Key == "enum" ? Texts(pair.Value) : Words(pair.Value)),
        JsonArray items => items.SelectMany(Words),
        _ => [],
    };

    private string? Unknown(JsonNode? value, JsonObject known, string path)
    {
        if (known["allOf"] is JsonArray all) return all.Select(part => Unknown(value, part!.AsObject(), path)).FirstOrDefault(static found => found is not null);
        if (known["$ref"]?.GetValue<string>() is { } reference) return Unknown(value, schema["definitions"]![reference.Split('/')[^1]]!.AsObject(), path);
        if (known["anyOf"] is JsonArray any)
        {
            var answers = any.Select(alternative => Unknown(value, alternative!.AsObject(), path)).ToList();
            // The alternative that gets furthest is the one that was meant.
            return answers.Contains(null) ? null : answers.MaxBy(static answer => answer!.Length);
        }
        return value switch
        {
            JsonObject keys when known["properties"] is JsonObject names => keys.Select(pair => names[pair.Key] is JsonObject inner
                ? Unknown(pair.Value, inner, JsonSource.Join(path, pair.Key))
                : known["additionalProperties"] is JsonObject rest ? Unknown(pair.Value, rest, JsonSource.Join(path, pair.Key)) : JsonSource.Join(path, pair.Key)).FirstOrDefault(static found => found is not null),
            JsonArray items when known["items"] is JsonObject item => items.Select((inner, index) => Unknown(inner, item, JsonSource.Join(path, index))).FirstOrDefault(static found => found is not null),
            JsonValue word when word.TryGetValue(out string? text) => known["enum"] is null ? IsObject(known) ? path : null : Texts(known["enum"]).Contains(text) ? null : path,
            JsonObject or JsonArray when known["enum"] is not null => path,
            _ => null,
        };
    }

    private static bool IsObject(JsonObject known) => known["type"] is JsonValue type && type.GetValue<string>() == "object";

    private static IEnumerable<string> Texts(JsonNode? node) =>
        node is JsonArray items ? items.OfType<JsonValue>().Select(static item => item.TryGetValue(out string? text) ? text : null).OfType<string>() : [];
}
