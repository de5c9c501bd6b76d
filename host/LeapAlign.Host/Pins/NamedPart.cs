using System.Text.Json.Nodes;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Schema;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Pins;

/// <summary>An entry of plugins.json that names a part.</summary>
/// <param name="Kind">One of <see cref="PartKinds"/>.</param>
/// <param name="Key">The path of the entry.</param>
/// <param name="Id">The part's id.</param>
/// <param name="Pin">What <c>sha256</c> says; null when it is absent.</param>
internal sealed record NamedPart(string Kind, string Key, string Id, string? Pin)
{
    /// <summary>The path that a fault about the pin points at.</summary>
    public string PinKey => Pin is null ? Key : JsonSource.Join(Key, "sha256");

    /// <summary>The entries of a file that plugins offer. One that is not well-formed is left out: composing the run says what is wrong with it.</summary>
    public static IEnumerable<NamedPart> In(JsonObject root) => Entries(root)
        .Select(static entry => (entry.Section, Part: Read(entry.Section.Kind.Name, entry.Key, entry.Node)))
        .Where(static entry => entry.Part is not null && entry.Part.Id != entry.Section.Default)
        .Select(static entry => entry.Part!);

    /// <summary>The entries of a file, whatever they are.</summary>
    public static IEnumerable<(PartSection Section, string Key, JsonNode Node)> Entries(JsonObject root) =>
        PartKinds.Sections.SelectMany(section => section.Entries(root).Select(entry => (section, entry.Key, entry.Node)));

    /// <summary>The id of an entry: the entry itself, or its <c>id</c>.</summary>
    /// <returns>A fault when it is neither, or has keys that are not those of an entry of its section.</returns>
    public static Result<string> ReadId(PartSection section, string key, JsonNode? node, JsonSource source)
    {
        if (Text(node) is { } id) return id;
        if (node is not JsonObject keys)
        {
            return new Fault.Configuration(FaultCodes.WrongType, "the id of a part or an object with \"id\" and \"settings\" was expected", source.Place(key));
        }
        return SchemaCheck.First(keys, ConfigurationSchema.EntryOf(section), key, source) is { } fault ? Result.Fail<string>(fault) : keys["id"]!.GetValue<string>();
    }

    private static NamedPart? Read(string kind, string key, JsonNode node) => node switch
    {
        JsonObject entry when Text(entry["id"]) is { } id => new(kind, key, id, Text(entry["sha256"])),
        JsonValue when Text(node) is { } id => new(kind, key, id, null),
        _ => null,
    };

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : null;
}
