using System.Text.Json;
using LeapAlign.Pipeline;

namespace LeapAlign.Networks.Configuration;

/// <summary>
/// The fields of a model's config.json. Every getter gives a harmless value when its field is wrong and the first wrong field becomes the result, so
/// that a configuration is read as one expression.
/// </summary>
internal sealed class ConfigFields
{
    private const int LargestSize = 1 << 24;
    private readonly string _path;
    private readonly JsonElement _root;
    private Fault? _fault;

    private ConfigFields(string path, JsonElement root)
    {
        _path = path;
        _root = root;
    }

    /// <summary>Reads a configuration.</summary>
    /// <param name="path">The config.json.</param>
    /// <param name="className">What its <c>_class_name</c> has to be.</param>
    /// <param name="read">Makes the configuration from the fields; its result is dropped when one of them is wrong.</param>
    public static Result<T> Read<T>(string path, string className, Func<ConfigFields, T> read)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            var fields = new ConfigFields(path, document.RootElement);
            fields.RequireClass(className);
            if (fields._fault is { } other) return other;
            var value = read(fields);
            return fields._fault is { } wrong ? wrong : value;
        }
        catch (JsonException malformed)
        {
            var place = new SourcePlace(path, (int)(malformed.LineNumber ?? 0) + 1, (int)(malformed.BytePositionInLine ?? 0) + 1);
            return new Fault.Input(FaultCodes.WrongModelClass, "this is not JSON", place);
        }
        catch (Exception absent) when (absent is IOException or UnauthorizedAccessException)
        {
            return new Fault.Input(FaultCodes.ModelNotFound, $"the model's configuration cannot be read: {absent.Message}", new SourcePlace(path));
        }
    }

    /// <summary>A whole number from 1 on.</summary>
    /// <param name="key">Its name.</param>
    /// <param name="absent">What it is when it is absent or null; null when it must be there.</param>
    public int Size(string key, int? absent = null)
    {
        if (Find(key) is not { } element) return absent ?? Wrong<int?>(key, "is missing") ?? 1;
        return AsSize(element) ?? Wrong<int?>(key, $"is {element.GetRawText()}, but has to be a whole number from 1 on") ?? 1;
    }

    /// <summary>A list of whole numbers from 1 on, at least one.</summary>
    public IReadOnlyList<int> Sizes(string key)
    {
        var sizes = Integers(key, element => AsSize(element), "whole numbers from 1 on");
        return sizes.Count > 0 ? sizes : Wrong<int[]>(key, "has to be a list of at least one size") ?? [1];
    }

    /// <summary>A list of indices below <paramref name="count"/>; empty when the field is absent or null.</summary>
    public IReadOnlyList<int> Indices(string key, int count)
    {
        int? Index(JsonElement element) => element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out var index) && index >= 0 && index < count ? index : null;
        return Integers(key, Index, $"indices below {count}");
    }

    /// <summary>A finite number.</summary>
    public double Number(string key, double absent)
    {
        if (Find(key) is not { } element) return absent;
        if (element.ValueKind == JsonValueKind.Number && element.TryGetDouble(out var number) && double.IsFinite(number)) return number;
        Wrong<object>(key, $"is {element.GetRawText()}, but has to be a number");
        return absent;
    }

    /// <summary>A switch.</summary>
    public bool Flag(string key, bool absent)
    {
        if (Find(key) is not { } element) return absent;
        if (element.ValueKind is JsonValueKind.True or JsonValueKind.False) return element.GetBoolean();
        Wrong<object>(key, $"is {element.GetRawText()}, but has to be true or false");
        return absent;
    }

    /// <summary>A word, or null when it is absent or null.</summary>
    /// <param name="key">Its name.</param>
    /// <param name="known">The words that this library knows.</param>
    public string? Word(string key, params string[] known)
    {
        if (Find(key) is not { } element) return null;
        if (element.ValueKind == JsonValueKind.String && known.Contains(element.GetString())) return element.GetString();
        return Wrong<string>(key, $"is {element.GetRawText()}, but has to be {string.Join(" or ", known)}");
    }

    /// <summary>Requires that every entry of a list is one word; an absent list is right.</summary>
    public void All(string key, string word)
    {
        if (Find(key) is not { } element) return;
        var right = element.ValueKind == JsonValueKind.Array
            && element.EnumerateArray().All(entry => entry.ValueKind == JsonValueKind.String && entry.GetString() == word);
        Require(right, key, $"is {element.GetRawText()}, but only {word} is known");
    }

    /// <summary>Requires that a field is absent or null.</summary>
    public void Absent(string key) => Require(Find(key) is null, key, "is set, which is not known");

    /// <summary>Requires that a relation between fields holds.</summary>
    public void Require(bool holds, string key, string message)
    {
        if (!holds) Wrong<object>(key, message);
    }

    private void RequireClass(string className)
    {
        if (_root.ValueKind != JsonValueKind.Object)
        {
            _fault = new Fault.Input(FaultCodes.WrongModelClass, "this is not a JSON object", new SourcePlace(_path));
            return;
        }
        const string key = "_class_name";
        var found = Find(key);
        Require(found is { ValueKind: JsonValueKind.String } name && name.GetString() == className, key, $"is {found?.GetRawText() ?? "missing"}, but has to be {className}");
    }

    private List<int> Integers(string key, Func<JsonElement, int?> parse, string expected)
    {
        List<int> values = [];
        if (Find(key) is not { } element) return values;
        foreach (var entry in element.ValueKind == JsonValueKind.Array ? element.EnumerateArray().ToArray() : [element])
        {
            if (element.ValueKind == JsonValueKind.Array && parse(entry) is { } value) values.Add(value);
            else Wrong<object>(key, $"is {element.GetRawText()}, but has to be a list of {expected}");
        }
        return values;
    }

    private static int? AsSize(JsonElement element) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out var size) && size is >= 1 and <= LargestSize ? size : null;

    private JsonElement? Find(string key) => _root.TryGetProperty(key, out var element) && element.ValueKind != JsonValueKind.Null ? element : null;

    private T? Wrong<T>(string key, string message)
    {
        _fault ??= new Fault.Input(FaultCodes.WrongModelClass, $"'{key}' {message}", new SourcePlace(_path, Key: key));
        return default;
    }
}
