using System.Text.Json.Nodes;

namespace LeapAlign.Host.Checkpoints;

/// <summary>A key of plugins.json whose value changed.</summary>
/// <param name="Key">As <c>--set</c> writes it: rewards by their names.</param>
/// <param name="Before">The value then, as JSON; null when there was none.</param>
/// <param name="Now">The value now, as JSON; null when there is none.</param>
internal sealed record ChangedKey(string Key, string? Before, string? Now)
{
    /// <summary>All keys in which two configurations differ, in the order of the first.</summary>
    public static IEnumerable<ChangedKey> Between(JsonNode? before, JsonNode? now, string key = "")
    {
        if (JsonNode.DeepEquals(before, now)) return [];
        if (before is JsonObject one && now is JsonObject other)
            return one.Select(static pair => pair.Key).Union(other.Select(static pair => pair.Key)).SelectMany(name => Between(one[name], other[name], Join(key, name)));
        if (before is JsonArray && now is JsonArray && ByName(before) is { } old && ByName(now) is { } changed)
            return old.Keys.Union(changed.Keys).SelectMany(name => Between(old.GetValueOrDefault(name), changed.GetValueOrDefault(name), Join(key, name)));
        return [new ChangedKey(key, before?.ToJsonString(), now?.ToJsonString())];
    }

    /// <summary>Whether a key that the user names covers this one: the same, or one above it.</summary>
    public bool IsWithin(string named) => Key == named || Key.StartsWith($"{named}.", StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => $"{Key} ({Before ?? "absent"} then, {Now ?? "absent"} now)";

    private static string Join(string key, string name) => key.Length == 0 ? name : $"{key}.{name}";

    // Entries of a list that all have names are compared by them; another order is no difference in any key.
    private static Dictionary<string, JsonNode?>? ByName(JsonNode list)
    {
        var named = list.AsArray().Select(static entry => (Name: (entry as JsonObject)?["name"]?.GetValue<string>(), Entry: entry)).ToList();
        return named.All(static entry => entry.Name is not null) ? named.ToDictionary(static entry => entry.Name!, static entry => entry.Entry, StringComparer.Ordinal) : null;
    }
}
