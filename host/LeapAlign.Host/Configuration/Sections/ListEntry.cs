using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Host.Configuration.Sections;

/// <summary>What an entry of a list of parts says beside its id and settings.</summary>
internal record ListEntry
{
    [Description("The name in tables and metrics, unique in the list; the id when it is absent.")]
    [RegularExpression("^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    [JsonPropertyOrder(-1)]
    public string? Name { get; init; }

    // A kind whose entries have a name alone needs none.
    private static readonly Dictionary<string, JsonTypeInfo> s_further = new(StringComparer.Ordinal)
    {
        [PartKinds.Reward] = HostJson.Reward,
        [PartKinds.Objective] = HostJson.Objective,
    };

    /// <summary>The type of these keys in a section; null where an entry has none beside its id, settings and pin.</summary>
    public static JsonTypeInfo? In(PartSection section) => section.IsList ? s_further.GetValueOrDefault(section.Kind.Name) ?? HostJson.Entry : null;
}

/// <summary>What an entry of <c>objectives</c> says beside its id and settings.</summary>
internal sealed record ObjectiveEntry : ListEntry
{
    [Description("The factor of its loss beside the algorithm's.")]
    [Range(-1e6, 1e6)]
    public double Weight { get; init; } = 1;
}
