using System.Globalization;
using System.Text.Json.Nodes;
using NJsonSchema;

namespace LeapAlign.Host.Configuration.Schema;

/// <summary>Makes the validator of a schema. Reading it from text would cost most of a second of reflection at start.</summary>
internal static class SchemaValidator
{
    /// <summary>What a text that fits the pattern is, in words.</summary>
    public const string PatternInWords = "patternErrorMessage";

    /// <summary>The validator's form of a schema.</summary>
    public static JsonSchema ToValidator(this JsonObject schema) => Fill(new JsonSchema(), schema);

    private static T Fill<T>(T target, JsonObject schema)
        where T : JsonSchema
    {
        foreach (var type in Words(schema["type"])) target.Type |= Enum.Parse<JsonObjectType>(type, ignoreCase: true);
        foreach (var word in schema["enum"]?.AsArray() ?? []) target.Enumeration.Add(Constant(word));
        target.Description = schema["description"]?.GetValue<string>();
        // $ is the end of the text in JSON schemas; to .NET it also is what stands before a last line feed.
        target.Pattern = schema["pattern"]?.GetValue<string>() is { } pattern && pattern.EndsWith('$') ? $"{pattern[..^1]}\\z" : schema["pattern"]?.GetValue<string>();
        if (schema[PatternInWords]?.GetValue<string>() is { } form) target.ExtensionData = new Dictionary<string, object?> { [PatternInWords] = form };
        target.Minimum = Number(schema["minimum"]);
        target.Maximum = Number(schema["maximum"]);
        target.ExclusiveMinimum = Number(schema["exclusiveMinimum"]);
        target.ExclusiveMaximum = Number(schema["exclusiveMaximum"]);
        target.MinItems = (int)(Number(schema["minItems"]) ?? 0);
        target.MaxItems = (int)(Number(schema["maxItems"]) ?? 0);
        target.MinLength = (int?)Number(schema["minLength"]);
        target.MaxLength = (int?)Number(schema["maxLength"]);

        foreach (var (name, property) in schema["properties"]?.AsObject() ?? [])
        {
            target.Properties[name] = property is JsonObject described ? Fill(new JsonSchemaProperty(), described) : new JsonSchemaProperty();
        }
        foreach (var name in Words(schema["required"])) target.RequiredProperties.Add(name);
        if (schema["items"] is JsonObject items) target.Item = Fill(new JsonSchema(), items);
        switch (schema["additionalProperties"])
        {
            case JsonObject rest:
                target.AdditionalPropertiesSchema = Fill(new JsonSchema(), rest);
                break;
            case JsonValue allowed when !allowed.GetValue<bool>():
                target.AllowAdditionalProperties = false;
                break;
        }
        return target;
    }

    private static IEnumerable<string> Words(JsonNode? node) => node switch
    {
        JsonArray several => several.Select(word => word!.GetValue<string>()),
        JsonValue one => [one.GetValue<string>()],
        _ => [],
    };

    private static object? Constant(JsonNode? word) => word switch
    {
        null => null,
        JsonValue value when value.TryGetValue(out string? text) => text,
        JsonValue value when value.TryGetValue(out bool flag) => flag,
        JsonValue value when value.TryGetValue(out long whole) => whole,
        _ => word.GetValue<double>(),
    };

    // NJsonSchema compares decimals; bounds that do not fit into one bound nothing that could be written.
    private static decimal? Number(JsonNode? bound) =>
        decimal.TryParse(bound?.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;
}
