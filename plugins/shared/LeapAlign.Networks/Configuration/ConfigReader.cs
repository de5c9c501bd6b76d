using System.Text.Json;
using LeapAlign.Networks.Layers;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Configuration;

/// <summary>
/// Reads the fields of a model's config.json. Every read gives a value, the fallback when the field is absent or null, and remembers the first field
/// that is wrong: read everything, then look at <see cref="Fault"/>.
/// </summary>
public sealed class ConfigReader
{
    private readonly JsonElement _object;
    private readonly string _file;
    private readonly string _path;
    private readonly ConfigReader? _parent;
    private Fault? _fault;

    private ConfigReader(JsonElement element, string file, string path, ConfigReader? parent)
    {
        _object = element;
        _file = file;
        _path = path;
        _parent = parent;
    }

    /// <summary>The first thing that is wrong with the fields read so far, in this section or below; null while all is well.</summary>
    public Fault? Fault => _fault;

    /// <summary>Opens a JSON file of a model folder.</summary>
    /// <returns>A fault when the file is absent, unreadable or not a JSON object.</returns>
    public static Result<ConfigReader> Open(string folder, string file = "config.json")
    {
        var path = Path.Combine(folder, file);
        if (!File.Exists(path)) return new Fault.Input(FaultCodes.ModelNotFound, $"there is no {file} in the model folder", new SourcePlace(folder));
        try
        {
            return Parse(File.ReadAllText(path), path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new Fault.Input(FaultCodes.ModelNotFound, $"the file cannot be read: {exception.Message}", new SourcePlace(path));
        }
    }

    /// <summary>Reads the text of a config.json.</summary>
    /// <param name="json">The text.</param>
    /// <param name="file">Where it came from, for messages.</param>
    /// <returns>A fault when the text is not a JSON object.</returns>
    public static Result<ConfigReader> Parse(string json, string file)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind == JsonValueKind.Object) return new ConfigReader(document.RootElement.Clone(), file, "", null);
            return new Fault.Input(FaultCodes.WrongModelClass, $"the file holds {Describe(document.RootElement)}, expected a JSON object", new SourcePlace(file));
        }
        catch (JsonException exception)
        {
            var place = new SourcePlace(file, (int)(exception.LineNumber ?? 0) + 1, (int)(exception.BytePositionInLine ?? 0) + 1);
            return new Fault.Input(FaultCodes.WrongModelClass, "the file is not valid JSON", place);
        }
    }

    /// <summary>A nested object; an absent one reads as empty, so that all its fields have their fallbacks.</summary>
    public ConfigReader Section(string key)
    {
        if (Find(key) is not { } value) return new ConfigReader(default, _file, Join(key), this);
        if (value.ValueKind != JsonValueKind.Object) Reject(key, $"is {Describe(value)}, expected an object");
        return new ConfigReader(value.ValueKind == JsonValueKind.Object ? value : default, _file, Join(key), this);
    }

    /// <summary>A whole number, at least 1.</summary>
    public long Count(string key, long fallback)
    {
        var number = Whole(key, fallback);
        if (number < 1) Reject(key, $"is {number}, expected 1 or more");
        return number;
    }

    /// <summary>A whole number.</summary>
    public long Whole(string key, long fallback)
    {
        if (Find(key) is not { } value) return fallback;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number)) return number;
        Reject(key, $"is {Describe(value)}, expected a whole number");
        return fallback;
    }

    /// <summary>A number.</summary>
    public double Number(string key, double fallback)
    {
        if (Find(key) is not { } value) return fallback;
        if (value.ValueKind == JsonValueKind.Number) return value.GetDouble();
        Reject(key, $"is {Describe(value)}, expected a number");
        return fallback;
    }

    /// <summary>true or false.</summary>
    public bool Flag(string key, bool fallback)
    {
        if (Find(key) is not { } value) return fallback;
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False) return value.GetBoolean();
        Reject(key, $"is {Describe(value)}, expected true or false");
        return fallback;
    }

    /// <summary>A string.</summary>
    public string Text(string key, string fallback)
    {
        if (Find(key) is not { } value) return fallback;
        if (value.ValueKind == JsonValueKind.String) return value.GetString()!;
        Reject(key, $"is {Describe(value)}, expected a string");
        return fallback;
    }

    /// <summary>A list of numbers.</summary>
    public IReadOnlyList<double> Numbers(string key, IReadOnlyList<double> fallback)
    {
        if (Find(key) is not { } value) return fallback;
        if (value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Number))
            return [.. value.EnumerateArray().Select(item => item.GetDouble())];
        Reject(key, $"is {Describe(value)}, expected a list of numbers");
        return fallback;
    }

    /// <summary>Whether the field is there, whatever its value, null included.</summary>
    public bool Has(string key) => _object.ValueKind == JsonValueKind.Object && _object.TryGetProperty(key, out _);

    /// <summary>Whether the field is there and is an object.</summary>
    public bool IsSection(string key) => Find(key) is { ValueKind: JsonValueKind.Object };

    /// <summary>The model's class: which of <paramref name="expected"/> the field <c>architectures</c> names.</summary>
    /// <returns>The name; the first one expected, with a fault remembered, when the file names none of them.</returns>
    public string Class(params ReadOnlySpan<string> expected)
    {
        var names = Find("architectures") is { ValueKind: JsonValueKind.Array } list
            ? list.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!).ToList()
            : [];
        foreach (var name in expected)
        {
            if (names.Contains(name)) return name;
        }
        var found = names.Count > 0 ? $"names {string.Join(", ", names)}" : "names no class";
        Reject("architectures", $"{found}, expected {string.Join(" or ", expected.ToArray())}");
        return expected[0];
    }

    /// <summary>Remembers that a field is wrong, unless an earlier one is.</summary>
    /// <param name="key">The field.</param>
    /// <param name="message">What is wrong with it: "is 3, expected 1 or 2".</param>
    public void Reject(string key, string message) =>
        Remember(new Fault.Input(FaultCodes.WrongModelClass, $"'{key}' {message}", new SourcePlace(_file, Key: Join(key))));

    /// <summary>The activation function that a field names.</summary>
    /// <returns>The function; the identity, with a fault remembered, when the name is unknown.</returns>
    public Func<Tensor, Tensor> ActivationFunction(string key, string name)
    {
        if (Activation.Find(name, _file).TryGet(out var function, out var fault)) return function;
        Remember(fault with { Place = new SourcePlace(_file, Key: Join(key)) });
        return static input => input;
    }

    private void Remember(Fault fault)
    {
        for (var reader = this; reader is not null; reader = reader._parent) reader._fault ??= fault;
    }

    private string Join(string key) => _path.Length == 0 ? key : $"{_path}.{key}";

    private JsonElement? Find(string key) =>
        _object.ValueKind == JsonValueKind.Object && _object.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static string Describe(JsonElement value)
    {
        var text = value.GetRawText();
        return text.Length <= 40 ? text : $"{text[..40]}…";
    }
}
