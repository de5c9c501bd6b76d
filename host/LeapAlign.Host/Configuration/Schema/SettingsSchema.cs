using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Host.Configuration.Schema;

/// <summary>
/// The JSON schema of a record of settings: types and keys from its metadata, meanings, ranges and words from its attributes, defaults from its
/// initializers.
/// </summary>
internal static class SettingsSchema
{
    private static readonly JsonSchemaExporterOptions s_options = new() { TreatNullObliviousAsNonNullable = true, TransformSchemaNode = Annotate };

    /// <summary>The schema of an object, without unknown keys.</summary>
    public static JsonObject Of(JsonTypeInfo settings)
    {
        // A type without any rule is exported as `true`; settings are always objects.
        var schema = settings.GetJsonSchemaAsNode(s_options) as JsonObject ?? [];
        schema["type"] = "object";
        AddDefaults(schema, Defaults(settings, schema));
        return schema;
    }

    private static JsonNode Annotate(JsonSchemaExporterContext context, JsonNode schema)
    {
        if (schema is not JsonObject node) return schema;
        if (context.PropertyInfo is not { } property) return node;

        var nullable = node["type"] is JsonArray types && types.Any(type => type?.GetValue<string>() == "null");
        foreach (var attribute in Attributes(property)) Apply(attribute, node, nullable);
        return node;
    }

    private static IEnumerable<object> Attributes(JsonPropertyInfo property) =>
        [
            .. property.AttributeProvider?.GetCustomAttributes(inherit: true) ?? [],
            .. property.AssociatedParameter?.AttributeProvider?.GetCustomAttributes(inherit: true) ?? [],
        ];

    private static void Apply(object attribute, JsonObject node, bool nullable)
    {
        switch (attribute)
        {
            case DescriptionAttribute description:
                node["description"] = description.Description;
                break;
            case RangeAttribute range:
                node[range.MinimumIsExclusive ? "exclusiveMinimum" : "minimum"] = Bound(range.Minimum);
                node[range.MaximumIsExclusive ? "exclusiveMaximum" : "maximum"] = Bound(range.Maximum);
                break;
            case AllowedValuesAttribute allowed:
                IEnumerable<object?> values = nullable ? [.. allowed.Values, null] : allowed.Values;
                node["enum"] = new JsonArray([.. values.Distinct().Select(Word)]);
                break;
            case RegularExpressionAttribute expression:
                node["pattern"] = expression.Pattern;
                // The keyword of editors for what to say in the place of a pattern.
                if (expression.ErrorMessage is { } form) node[SchemaValidator.PatternInWords] = form;
                break;
            case PathSettingAttribute path:
                node[PathSettings.Keyword] = path.Kind == PathKind.Folder ? PathSettings.Folder : PathSettings.File;
                break;
            case MinLengthAttribute minimum:
                node[IsArray(node) ? "minItems" : "minLength"] = minimum.Length;
                break;
            case MaxLengthAttribute maximum:
                node[IsArray(node) ? "maxItems" : "maxLength"] = maximum.Length;
                break;
            case LengthAttribute length:
                node[IsArray(node) ? "minItems" : "minLength"] = length.MinimumLength;
                node[IsArray(node) ? "maxItems" : "maxLength"] = length.MaximumLength;
                break;
        }
    }

    private static bool IsArray(JsonObject node) => node["type"] switch
    {
        JsonArray types => types.Any(type => type?.GetValue<string>() == "array"),
        JsonValue type => type.GetValue<string>() == "array",
        _ => false,
    };

    // [Range] holds whichever of int, double and string was written; 2^63 cannot be told from long.MaxValue as a double.
    private static JsonNode Bound(object bound)
    {
        var number = Convert.ToDouble(bound, System.Globalization.CultureInfo.InvariantCulture);
        return number switch
        {
            >= long.MaxValue and < 1e19 => JsonValue.Create(long.MaxValue),
            _ when Math.Abs(number) < 1e15 && double.IsInteger(number) => JsonValue.Create((long)number),
            _ => JsonValue.Create(number),
        };
    }

    private static JsonNode? Word(object? value) => value switch
    {
        null => null,
        string text => JsonValue.Create(text),
        bool flag => JsonValue.Create(flag),
        IConvertible number => Bound(number),
        _ => throw new InvalidOperationException($"AllowedValues holds a {value.GetType()}; it takes words, numbers and booleans"),
    };

    // The values of an object that was given nothing but its required keys.
    private static JsonObject Defaults(JsonTypeInfo settings, JsonObject schema)
    {
        try
        {
            var blank = JsonSerializer.Deserialize(Blank(schema), settings);
            return JsonSerializer.SerializeToNode(blank, settings) as JsonObject ?? [];
        }
        catch (Exception refused) when (refused is JsonException or ArgumentException or NotSupportedException)
        {
            // A constructor may refuse blank values; the schema then says nothing about defaults.
            return [];
        }
    }

    private static JsonNode? Blank(JsonNode? schema)
    {
        if (schema is not JsonObject node || node.ContainsKey("$ref")) return null;
        if (node["enum"] is JsonArray words) return words[0]?.DeepClone();
        var type = node["type"] is JsonArray types ? types[0]?.GetValue<string>() : node["type"]?.GetValue<string>();
        return type switch
        {
            "object" => new JsonObject([.. Required(node).Select(name => KeyValuePair.Create(name, Blank(node["properties"]?[name])))]),
            "array" => new JsonArray(),
            "string" => JsonValue.Create(""),
            "integer" or "number" => (node["minimum"] ?? JsonValue.Create(0)).DeepClone(),
            "boolean" => JsonValue.Create(false),
            _ => null,
        };
    }

    private static void AddDefaults(JsonObject schema, JsonObject defaults)
    {
        if (schema["properties"] is not JsonObject properties) return;
        var required = Required(schema).ToHashSet(StringComparer.Ordinal);
        foreach (var (name, property) in properties)
        {
            if (property is not JsonObject node || required.Contains(name)) continue;
            if (defaults.TryGetPropertyValue(name, out var value))
            {
                node["default"] = value?.DeepClone();
                if (value is JsonObject nested) AddDefaults(node, nested);
            }
        }
    }

    private static IEnumerable<string> Required(JsonObject schema) =>
        schema["required"] is JsonArray names ? names.Select(name => name!.GetValue<string>()) : [];
}
