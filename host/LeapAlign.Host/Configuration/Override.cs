using System.Text;
using System.Text.Json.Nodes;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Configuration;

/// <summary>
/// Applies <c>--set path.to.key=value</c>. Entries of a list are named by index (<c>rewards.0.weight</c>, <c>rewards[0].weight</c>) or by name
/// (<c>rewards.judge.weight</c>). Keys that no part knows are found with all others when the run is composed.
/// </summary>
internal static class Override
{
    /// <summary>The place of a fault in an override.</summary>
    public const string Origin = "--set";

    /// <summary>Changes the file's root.</summary>
    public static Result<JsonSource> Apply(JsonSource source, string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        return equals > 0
            ? Apply(source, text[..equals], Value(text[(equals + 1)..]), new(Origin))
            : Result.Fail<JsonSource>(Option($"{Quoted.Words(text)} is not of the form path.to.key=value", null, new(Origin)));
    }

    /// <summary>Changes a key of the file's root to a value that another file says.</summary>
    /// <param name="source">The file.</param>
    /// <param name="path">The path of the key, as <c>--set</c> takes it.</param>
    /// <param name="value">The value, without a parent.</param>
    /// <param name="origin">Where it is said, for faults.</param>
    public static Result<JsonSource> Apply(JsonSource source, string path, JsonNode? value, SourcePlace origin)
    {
        var segments = Segments(path);
        if (segments.Any(string.IsNullOrWhiteSpace)) return Result.Fail<JsonSource>(Option($"{Quoted.Words(path)} has an empty name in its path", null, origin));

        JsonNode? at = source.Root;
        var key = "";
        foreach (var segment in segments[..^1])
        {
            var step = Enter(at!, key, segment, origin);
            if (!step.TryGet(out var entered, out var fault)) return Result.Fail<JsonSource>(fault);
            if (entered.Made) source.Move(entered.Key, origin);
            (at, key) = (entered.Node, entered.Key);
        }
        return Locate(at!, key, segments[^1], origin).Map(target =>
        {
            Put(at!, target, value);
            source.Move(target.Key, origin);
            return source;
        });
    }

    /// <summary>The names on the path of a key; an index in brackets is one.</summary>
    public static string[] Segments(string path) => path.Replace("[", ".", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal).Split('.');

    private static Result<(JsonNode Node, string Key, bool Made)> Enter(JsonNode parent, string parentKey, string segment, SourcePlace origin) =>
        Locate(parent, parentKey, segment, origin).Bind(target =>
        {
            var child = target.Index is { } index ? parent[index] : parent[segment];
            if (child is JsonObject or JsonArray) return Result.Ok((child, target.Key, false));
            // A part may be written as its id alone; it has settings all the same.
            JsonObject? made = child switch
            {
                null => [],
                JsonValue id when PartSections.IsEntry(target.Key) && id.TryGetValue(out string? word) => new JsonObject { ["id"] = word },
                _ => null,
            };
            if (made is null) return Result.Fail<(JsonNode, string, bool)>(Option($"{target.Key} is {child!.ToJsonString()}, which has no keys", target.Key, origin));
            Put(parent, target, made);
            return Result.Ok<(JsonNode, string, bool)>((made, target.Key, child is null));
        });

    private static Result<Target> Locate(JsonNode parent, string parentKey, string segment, SourcePlace origin)
    {
        if (parent is JsonObject) return new Target(JsonSource.Join(parentKey, segment), segment, null);
        var list = parent.AsArray();
        if (int.TryParse(segment, out var index))
        {
            return index >= 0 && index < list.Count
                ? new Target(JsonSource.Join(parentKey, index), segment, index)
                : Result.Fail<Target>(Option($"{parentKey} has {list.Count} entries, the first being 0; there is no {Quoted.Words(segment)}", parentKey, origin));
        }
        var names = list.Select(Name).ToArray();
        return Array.IndexOf(names, segment) is var named and >= 0
            ? new Target(JsonSource.Join(parentKey, named), segment, named)
            : Result.Fail<Target>(Option($"{parentKey} has no entry {Quoted.Words(segment)}{NearestName.Hint(segment, names.OfType<string>())}", parentKey, origin));
    }

    private static string? Name(JsonNode? entry) => entry switch
    {
        JsonObject named when named["name"] is JsonValue name && name.TryGetValue(out string? text) => text,
        JsonObject unnamed when unnamed["id"] is JsonValue id && id.TryGetValue(out string? text) => text,
        JsonValue word when word.TryGetValue(out string? text) => text,
        _ => null,
    };

    private static void Put(JsonNode parent, Target target, JsonNode? value)
    {
        if (target.Index is { } index) parent[index] = value;
        else parent[target.Name] = value;
    }

    // A text needs no quotes: what is not JSON is taken as it stands.
    private static JsonNode? Value(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var reader = new JsonTreeReader(Origin, bytes);
        return reader.Read(out var value, out _) ? value : JsonValue.Create(text);
    }

    private static Fault Option(string message, string? key, SourcePlace origin) => new Fault.Configuration(FaultCodes.BadOption, message, origin with { Key = key ?? origin.Key });

    private sealed record Target(string Key, string Name, int? Index);
}
