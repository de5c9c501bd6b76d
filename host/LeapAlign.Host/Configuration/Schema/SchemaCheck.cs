using System.Text.Json.Nodes;
using LeapAlign.Pipeline;
using Newtonsoft.Json.Linq;
using NJsonSchema;
using NJsonSchema.Validation;

namespace LeapAlign.Host.Configuration.Schema;

/// <summary>Checks a value of a user's file against a schema and words the first thing that is wrong, in the order of the file.</summary>
internal static class SchemaCheck
{
    private static readonly JsonSchemaValidator s_validator = new();

    /// <summary>Checks a value.</summary>
    /// <param name="value">What the user wrote.</param>
    /// <param name="schema">What is expected.</param>
    /// <param name="key">The path of the value in its file.</param>
    /// <param name="source">The file.</param>
    /// <returns>Null when all is well.</returns>
    public static Fault? First(JsonNode? value, JsonObject schema, string key, JsonSource source) =>
        s_validator.Validate(ToToken(value), schema.ToValidator())
            .Select(error => Word(Innermost(error), key, source))
            // A key that is absent stands nowhere, and often is the one that was misspelt.
            .OrderBy(fault => fault.Code == FaultCodes.MissingKey)
            .ThenBy(fault => fault.Place!.Line == 0)
            .ThenBy(fault => fault.Place!.Line)
            .ThenBy(fault => fault.Place!.Column)
            .FirstOrDefault();

    // Errors inside arrays and of values that may be null come wrapped, one child for each alternative; the telling one is not about the type.
    private static ValidationError Innermost(ValidationError error)
    {
        IEnumerable<ValidationError> children = error switch
        {
            ChildSchemaValidationError child => child.Errors.SelectMany(pair => pair.Value),
            MultiTypeValidationError types => types.Errors.SelectMany(pair => pair.Value),
            _ => [],
        };
        var telling = children.Select(Innermost).OrderBy(child => IsAboutType(child.Kind)).FirstOrDefault();
        if (telling is null) return error;
        // Which alternative was refused says less than that none fitted.
        return error is MultiTypeValidationError && IsAboutType(telling.Kind) ? error : telling;
    }

    private static Fault Word(ValidationError error, string prefix, JsonSource source)
    {
        var schema = error.Schema;
        var key = Inside(prefix, error.Path);
        var name = error.Property ?? "";
        var found = Show(error.Token);
        switch (error.Kind)
        {
            case ValidationErrorKind.NoAdditionalPropertiesAllowed:
                var parent = Inside(prefix, error.Token?.Parent?.Path);
                return Fault(FaultCodes.UnknownKey, $"{Quoted.Words(name)} is not a key of {Named(parent)}{NearestName.Hint(name, schema.Properties.Keys)}");
            case ValidationErrorKind.PropertyRequired:
                return Fault(FaultCodes.MissingKey, $"the key '{name}' is required{Meaning(schema.Properties, name)}");
            case ValidationErrorKind.NotInEnumeration:
                var words = schema.Enumeration.Select(word => word?.ToString() ?? "null").ToArray();
                return Fault(FaultCodes.UnknownValue, $"{found} is not one of {string.Join(", ", words)}{Nearest(error.Token, words)}");
            case ValidationErrorKind.PatternMismatch:
                return schema.ExtensionData?.TryGetValue(SchemaValidator.PatternInWords, out var form) == true
                    ? Fault(FaultCodes.UnknownValue, $"{found} is not {form}")
                    : Fault(FaultCodes.UnknownValue, $"{found} does not match {schema.Pattern?.Replace(@"\z", "$", StringComparison.Ordinal)}");
            default:
                return IsAboutType(error.Kind)
                    ? Fault(FaultCodes.WrongType, $"{Expected(schema)} was expected, not {found}")
                    : Fault(FaultCodes.OutOfRange, $"{found} is outside {Range(schema)}");
        }

        Fault Fault(string code, string message) => new Fault.Configuration(code, message, source.Place(key));
    }

    private static string Nearest(JToken? word, string[] words) =>
        word?.Type == JTokenType.String && NearestName.Of(word.Value<string>()!, words) is { } nearest ? $"; did you mean '{nearest}'?" : "";

    private static string Named(string key) => key.Length == 0 ? "the file" : key;

    // The path that the validator gives begins with #/ and names keys the way Newtonsoft does.
    private static string Inside(string prefix, string? path)
    {
        var relative = path?.TrimStart('#').TrimStart('/') ?? "";
        if (relative.Length == 0) return prefix;
        return relative[0] == '[' ? prefix + relative : JsonSource.Join(prefix, relative);
    }

    private static string Meaning(IDictionary<string, JsonSchemaProperty> properties, string name) =>
        properties.TryGetValue(name, out var property) && property.Description is { } meaning ? $": {char.ToLowerInvariant(meaning[0])}{meaning[1..].TrimEnd('.')}" : "";

    private static bool IsAboutType(ValidationErrorKind kind) => kind
        is ValidationErrorKind.StringExpected or ValidationErrorKind.NumberExpected or ValidationErrorKind.IntegerExpected
        or ValidationErrorKind.BooleanExpected or ValidationErrorKind.ObjectExpected or ValidationErrorKind.ArrayExpected
        or ValidationErrorKind.NullExpected or ValidationErrorKind.NoTypeValidates;

    private static string Expected(JsonSchema schema)
    {
        (JsonObjectType Type, string Name)[] names =
        [
            (JsonObjectType.Integer, "a whole number"), (JsonObjectType.Number, "a number"), (JsonObjectType.String, "a text"),
            (JsonObjectType.Boolean, "true or false"), (JsonObjectType.Object, "an object"), (JsonObjectType.Array, "a list"), (JsonObjectType.Null, "null"),
        ];
        return string.Join(" or ", names.Where(pair => schema.Type.HasFlag(pair.Type)).Select(pair => pair.Name));
    }

    private static string Range(JsonSchema schema) => schema switch
    {
        { Minimum: { } low, Maximum: { } high } => $"{low:G29} to {high:G29}",
        { ExclusiveMinimum: { } low, Maximum: { } high } => $"{low:G29} (exclusive) to {high:G29}",
        { Minimum: { } low, ExclusiveMaximum: { } high } => $"{low:G29} to {high:G29} (exclusive)",
        { ExclusiveMinimum: { } low, ExclusiveMaximum: { } high } => $"{low:G29} to {high:G29} (both exclusive)",
        { MinItems: > 0, MaxItems: > 0 } => $"{schema.MinItems} to {schema.MaxItems} entries",
        { MinItems: > 0 } => $"the required length of at least {schema.MinItems}",
        { MinLength: { } shortest, MaxLength: { } longest } => $"{shortest} to {longest} characters",
        { MinLength: { } shortest } => $"the required length of at least {shortest} characters",
        _ => "what is allowed here",
    };

    private static string Show(JToken? token) => token switch
    {
        null or { Type: JTokenType.Null } => "null",
        { Type: JTokenType.Object } => "an object",
        JArray { Count: 0 } => "an empty list",
        { Type: JTokenType.Array } => "a list",
        { Type: JTokenType.String } => Quoted.Words(token.Value<string>()!),
        _ => token.ToString(Newtonsoft.Json.Formatting.None),
    };

    private static JToken ToToken(JsonNode? node) => node switch
    {
        null => JValue.CreateNull(),
        JsonObject keys => new JObject(keys.Select(pair => new JProperty(pair.Key, ToToken(pair.Value)))),
        JsonArray items => new JArray(items.Select(ToToken)),
        JsonValue value when value.TryGetValue(out string? text) => new JValue(text),
        JsonValue value when value.TryGetValue(out bool flag) => new JValue(flag),
        JsonValue value when value.TryGetValue(out long whole) => new JValue(whole),
        // 10.0 is a whole number to JSON schemas.
        JsonValue value when value.TryGetValue(out double number) && double.IsInteger(number) && Math.Abs(number) < 1e15 => new JValue((long)number),
        JsonValue value => new JValue(value.GetValue<double>()),
        _ => throw new InvalidOperationException($"{node.GetType()} is no JSON value"),
    };
}
