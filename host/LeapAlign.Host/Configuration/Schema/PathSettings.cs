using System.Text.Json.Nodes;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Host.Configuration.Schema;

/// <summary>A setting that is a path, as the part's schema declares it (<see cref="PathSettingAttribute"/>).</summary>
/// <param name="Key">Its path among the settings.</param>
/// <param name="IsFolder">Whether it names a folder.</param>
internal sealed record PathSettings(string Key, bool IsFolder)
{
    /// <summary>The keyword of the schema.</summary>
    public const string Keyword = "format";

    /// <summary>Its value for a file.</summary>
    public const string File = "file";

    /// <summary>Its value for a folder.</summary>
    public const string Folder = "folder";

    /// <summary>The settings of a part that are paths.</summary>
    public static IEnumerable<PathSettings> Of(PartDefinition definition) => In(SettingsSchema.Of(definition.Settings), "");

    /// <summary>What a setting says in settings that were written; null when it is absent or no text.</summary>
    public string? In(JsonNode? settings) =>
        Key.Split('.').Aggregate(settings, static (node, name) => (node as JsonObject)?[name]) is JsonValue value && value.TryGetValue(out string? path) ? path : null;

    private static IEnumerable<PathSettings> In(JsonObject schema, string prefix) => (schema["properties"] as JsonObject ?? []).SelectMany(pair => pair.Value is not JsonObject property
        ? []
        : property[Keyword]?.GetValue<string>() is (File or Folder) and var kind
            ? [new(JsonSource.Join(prefix, pair.Key), kind == Folder)]
            : In(property, JsonSource.Join(prefix, pair.Key)));
}
