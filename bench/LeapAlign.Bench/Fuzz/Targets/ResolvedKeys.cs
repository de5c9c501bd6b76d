using System.Text.Json.Nodes;
using LeapAlign.Host.Configuration;

namespace LeapAlign.Bench.Fuzz.Targets;

/// <summary>Compares a plugins.json with its resolved form, in which every value that was read has to be.</summary>
internal static class ResolvedKeys
{
    /// <summary>The path of a value that is not there, or is another; null when all are.</summary>
    public static string? FirstLost(JsonObject read, JsonObject resolved)
    {
        var all = read.DeepClone().AsObject();
        all.Remove("$schema");
        return Lost(all, resolved, "");
    }

    private static string? Lost(JsonNode? read, JsonNode? resolved, string path) => (read, resolved) switch
    {
        // Null stands for what a part chooses itself: a reward's name, the steps of an evaluation.
        (null, _) => null,
        (JsonObject keys, JsonObject kept) => keys.Select(pair => pair.Value is not null && !kept.ContainsKey(pair.Key)
            ? JsonSource.Join(path, pair.Key)
            : Lost(pair.Value, kept[pair.Key], JsonSource.Join(path, pair.Key))).FirstOrDefault(static lost => lost is not null),
        (JsonArray items, JsonArray kept) when items.Count == kept.Count => items.Select((item, index) => Lost(item, kept[index], JsonSource.Join(path, index))).FirstOrDefault(static lost => lost is not null),
        // A part may be its id alone.
        (JsonValue id, JsonObject part) => JsonNode.DeepEquals(id, part["id"]) ? null : path,
        (JsonValue one, JsonValue other) => Same(one, other) ? null : path,
        _ => path,
    };

    private static bool Same(JsonValue one, JsonValue other)
    {
        if (JsonNode.DeepEquals(one, other)) return true;
        // 3.0 is 3, and some settings are single precision.
        return double.TryParse(one.ToJsonString(), System.Globalization.CultureInfo.InvariantCulture, out var first)
            && double.TryParse(other.ToJsonString(), System.Globalization.CultureInfo.InvariantCulture, out var second)
            && Math.Abs(first - second) <= 1e-6 * Math.Abs(first);
    }
}
