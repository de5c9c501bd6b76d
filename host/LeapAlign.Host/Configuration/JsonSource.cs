using System.Text;
using System.Text.Json.Nodes;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Configuration;

/// <summary>
/// A JSON object that a user wrote, with the place of every key. Comments and trailing commas are allowed; repeated keys are not. Keys are paths such as
/// <c>rewards[0].settings.model</c>; the root is the empty path.
/// </summary>
internal sealed class JsonSource
{
    private readonly Dictionary<string, SourcePlace> _places;

    private JsonSource(string file, byte[] text, JsonObject root, Dictionary<string, SourcePlace> places) => (File, Text, Root, _places) = (file, text, root, places);

    /// <summary>The file, as the user named it.</summary>
    public string File { get; }

    /// <summary>The bytes as they were read. Overrides do not change them.</summary>
    public byte[] Text { get; }

    /// <summary>The object. Overrides change it.</summary>
    public JsonObject Root { get; }

    /// <summary>Reads a file that exists.</summary>
    /// <param name="path">Where it is, and its name in faults.</param>
    public static Result<JsonSource> Read(string path)
    {
        try
        {
            return Parse(path, System.IO.File.ReadAllBytes(path));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return new Fault.Configuration(FaultCodes.ConfigurationNotFound, $"the file cannot be read: {failure.Message}", new(path));
        }
    }

    /// <summary>Reads a text.</summary>
    /// <param name="file">Its name in faults.</param>
    /// <param name="utf8">Its bytes, with or without a byte order mark.</param>
    public static Result<JsonSource> Parse(string file, ReadOnlySpan<byte> utf8)
    {
        var text = utf8.StartsWith(Encoding.UTF8.Preamble) ? utf8[Encoding.UTF8.Preamble.Length..] : utf8;
        if (!System.Text.Unicode.Utf8.IsValid(text))
        {
            return new Fault.Configuration(FaultCodes.ConfigurationNotJson, "the file is not UTF-8 text", new(file));
        }
        var reader = new JsonTreeReader(file, text);
        return reader.Read(out var root, out var fault)
            ? root is JsonObject found
                ? new JsonSource(file, utf8.ToArray(), found, reader.Places)
                : new Fault.Configuration(FaultCodes.WrongType, "a JSON object was expected", reader.Places[""])
            : fault!;
    }

    /// <summary>Where a key stands, or the nearest key around it that is there.</summary>
    public SourcePlace Place(string key)
    {
        for (var near = key; ; near = Parent(near))
        {
            if (_places.TryGetValue(near, out var place)) return place with { Key = key.Length == 0 ? null : key };
            if (near.Length == 0) return new(File, Key: key);
        }
    }

    /// <summary>What a key of a section says, for who asks before anything is checked.</summary>
    /// <returns>Null where the key is absent, and where the section is no object.</returns>
    public JsonNode? Said(string section, string key) => (Root[section] as JsonObject)?[key];

    /// <summary>Says that a key, with everything in it, now comes from elsewhere, for instance from <c>--set</c>.</summary>
    public void Move(string key, string origin) => Move(key, new SourcePlace(origin));

    /// <summary>Says the same with a place in another file.</summary>
    public void Move(string key, SourcePlace origin)
    {
        foreach (var inside in _places.Keys.Where(other => IsWithin(other, key)).ToArray()) _places.Remove(inside);
        _places[key] = origin with { Key = key };
    }

    /// <summary>Appends a name to the path of an object.</summary>
    public static string Join(string parent, string name) => parent.Length == 0 ? name : $"{parent}.{name}";

    /// <summary>Appends an index to the path of an array.</summary>
    public static string Join(string parent, int index) => $"{parent}[{index}]";

    private static bool IsWithin(string key, string parent) =>
        key.StartsWith(parent, StringComparison.Ordinal) && (key.Length == parent.Length || key[parent.Length] is '.' or '[');

    private static string Parent(string key) => key.LastIndexOfAny(['.', '[']) is var end and >= 0 ? key[..end] : "";
}
