using System.Text.Json.Nodes;

namespace LeapAlign.Host.Commands.Verbs;

/// <summary>Words for the schema of a setting.</summary>
internal static class SettingRow
{
    /// <summary>The JSON type, without the null that a default shows.</summary>
    public static string Type(JsonObject schema) => schema["type"] switch
    {
        JsonArray types => string.Join(" or ", types.Select(type => type!.GetValue<string>()).Where(type => type != "null")),
        JsonValue type when type.GetValue<string>() == "array" && schema["items"] is JsonObject items => $"list of {Type(items)}",
        JsonValue type => type.GetValue<string>(),
        _ => schema.ContainsKey("enum") ? "string" : "any",
    };

    /// <summary>The words or numbers that are allowed.</summary>
    public static string Range(JsonObject schema)
    {
        if (schema["enum"] is JsonArray words) return string.Join(", ", words.Select(word => word?.ToString() ?? "null"));
        var low = schema["minimum"]?.ToJsonString() ?? (schema["exclusiveMinimum"] is { } above ? $"above {above.ToJsonString()}" : null);
        var high = schema["maximum"]?.ToJsonString() ?? (schema["exclusiveMaximum"] is { } below ? $"below {below.ToJsonString()}" : null);
        return (low, high) switch
        {
            (null, null) => schema["pattern"]?.GetValue<string>() ?? "",
            (null, _) => $"up to {high}",
            (_, null) => $"{low} or more",
            _ => $"{low} to {high}",
        };
    }
}
