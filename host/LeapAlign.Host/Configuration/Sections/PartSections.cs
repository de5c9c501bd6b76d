using System.Globalization;
using System.Text.Json.Nodes;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Host.Configuration.Sections;

/// <summary>Finds the entries of parts in plugins.json, as the table of kinds says where they stand.</summary>
internal static class PartSections
{
    /// <summary>What stands in a section; null when it is absent.</summary>
    public static JsonNode? Find(this PartSection section, JsonObject root) =>
        section.Inside() is { } outer ? (root[outer] as JsonObject)?[section.Key()] : root[section.Path];

    /// <summary>Puts a value in a section.</summary>
    public static void Set(this PartSection section, JsonObject root, JsonNode? value)
    {
        if (section.Inside() is not { } outer)
        {
            root[section.Path] = value;
            return;
        }
        if (root[outer] is not JsonObject) root[outer] = new JsonObject();
        root[outer]![section.Key()] = value;
    }

    /// <summary>The entries of a section, each with its path. What is no list where one is expected has none.</summary>
    public static IEnumerable<(string Key, JsonNode Node)> Entries(this PartSection section, JsonObject root)
    {
        var found = section.Find(root);
        if (!section.IsList) return found is null ? [] : [(section.Path, found)];
        return (found as JsonArray ?? []).Select((entry, index) => (Key: JsonSource.Join(section.Path, index), Node: entry)).Where(static entry => entry.Node is not null).Select(static entry => (entry.Key, entry.Node!));
    }

    /// <summary>The host's section that holds this one; null when it stands by itself.</summary>
    public static string? Inside(this PartSection section) => section.Path.IndexOf('.', StringComparison.Ordinal) is var dot and > 0 ? section.Path[..dot] : null;

    /// <summary>The last name of its path.</summary>
    public static string Key(this PartSection section) => section.Path[(section.Path.IndexOf('.', StringComparison.Ordinal) + 1)..];

    /// <summary>Whether the path is that of an entry which names a part.</summary>
    public static bool IsEntry(string key) => PartKinds.Sections.Any(section => section.IsList ? Index(section, key) is not null : section.Path == key);

    /// <summary>The place of an entry in its list; null when the path is not one of the list's entries.</summary>
    public static int? Index(this PartSection section, string key) =>
        section.IsList && key.StartsWith($"{section.Path}[", StringComparison.Ordinal) && key.EndsWith(']')
        && int.TryParse(key.AsSpan(section.Path.Length + 1, key.Length - section.Path.Length - 2), NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            ? index
            : null;

    /// <summary>A section of the host's without the parts that stand in it.</summary>
    public static JsonObject WithoutParts(JsonObject section, string name)
    {
        var own = section.DeepClone().AsObject();
        foreach (var inner in PartKinds.Sections.Where(inner => inner.Inside() == name)) own.Remove(inner.Key());
        return own;
    }
}
