using System.Text.Json;
using System.Text.Json.Serialization;

namespace LeapAlign.Rewards.GenevalShapes.Metadata;

/// <summary>GenEval's metadata as it is written. Other keys (tag, prompt) are not the judge's business.</summary>
internal sealed record MetadataText
{
    [JsonRequired]
    public required IReadOnlyList<EntryText> Include { get; init; }

    public IReadOnlyList<EntryText>? Exclude { get; init; }
}

/// <summary>An entry as it is written. A key that the judge does not know would change what is asked for without a word.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record EntryText
{
    [JsonRequired]
    public required string Class { get; init; }

    [JsonRequired]
    public required int Count { get; init; }

    public string? Color { get; init; }

    /// <summary>[relation, index]: a list of two types, which is read by hand.</summary>
    public JsonElement? Position { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, AllowDuplicateProperties = false, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(MetadataText))]
internal sealed partial class MetadataJson : JsonSerializerContext;
