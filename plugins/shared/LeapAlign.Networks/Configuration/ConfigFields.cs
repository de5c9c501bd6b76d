using System.Text.Json;
using LeapAlign.Networks.Formats;
using LeapAlign.Networks.Layers;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Configuration;

/// <summary>
/// The fields of a model's config.json. Every getter gives a harmless value when its field is wrong and the first wrong field becomes the result, so
/// that a configuration is read as one expression.
/// </summary>
public sealed class ConfigFields
{
    private const int LargestSize = 1 << 24;
    private readonly string _path, _prefix;
    private readonly JsonElement? _root;
    private readonly ConfigFields? _outer;
    private readonly FileFormat? _format;
    private Fault? _fault;

    private ConfigFields(string path, JsonElement? root, FileFormat? format, string prefix = "", ConfigFields? outer = null)
    {
        _path = path;
        _root = root;
        _format = format;
        _prefix = prefix;
        _outer = outer;
    }

    /// <summary>The class that <c>architectures</c> names, of a transformers configuration.</summary>
    public string Architecture { get; private set; } = "";

    /// <summary>What the file has in this section, declared or not, nulls included.</summary>
    public IEnumerable<JsonProperty> Properties => _root is { ValueKind: JsonValueKind.Object } root ? root.EnumerateObject() : [];

    /// <summary>Whether a field so far was wrong, in this section or in one below.</summary>
    public bool IsWrong => _fault is not null;

    /// <summary>Reads a configuration of diffusers.</summary>
    /// <param name="path">The config.json.</param>
    /// <param name="className">What its <c>_class_name</c> has to be.</param>
    /// <param name="read">Makes the configuration from the fields; its result is dropped when one of them is wrong.</param>
    /// <param name="format">The fields that the file may have; asking for one that is not declared there is a mistake of the program.</param>
    /// <param name="warn">Is told the keys that <paramref name="format"/> does not declare.</param>
    public static Result<T> Read<T>(string path, string className, Func<ConfigFields, T> read, FileFormat? format = null, Action<Fault>? warn = null) =>
        Read(path, fields => fields.RequireClass(className), read, format, warn);

    /// <summary>Reads a configuration of transformers.</summary>
    /// <param name="path">The config.json.</param>
    /// <param name="architectures">The classes of which <c>architectures</c> has to name one; <see cref="Architecture"/> says which.</param>
    /// <param name="read">Makes the configuration from the fields; its result is dropped when one of them is wrong.</param>
    /// <param name="format">The fields that the file may have; asking for one that is not declared there is a mistake of the program.</param>
    /// <param name="warn">Is told the keys that <paramref name="format"/> does not declare.</param>
    public static Result<T> Read<T>(string path, IReadOnlyList<string> architectures, Func<ConfigFields, T> read, FileFormat? format = null, Action<Fault>? warn = null) =>
        Read(path, fields => fields.RequireArchitecture(architectures), read, format, warn);

    /// <summary>Reads a file that names no class.</summary>
    /// <inheritdoc cref="Read{T}(string, string, Func{ConfigFields, T}, FileFormat, Action{Fault})"/>
    public static Result<T> Read<T>(string path, Func<ConfigFields, T> read, FileFormat? format = null, Action<Fault>? warn = null) => Read(path, static _ => { }, read, format, warn);

    private static Result<T> Read<T>(string path, Action<ConfigFields> requireClass, Func<ConfigFields, T> read, FileFormat? format, Action<Fault>? warn)
    {
        byte[] bytes = [];
        try
        {
            bytes = File.ReadAllBytes(path);
            using var document = JsonDocument.Parse(bytes);
            return Read(path, document.RootElement, requireClass, read, format, warn);
        }
        catch (JsonException malformed)
        {
            var place = new SourcePlace(path, (int)(malformed.LineNumber ?? 0) + 1, (int)(malformed.BytePositionInLine ?? 0) + 1);
            return new Fault.Input(FaultCodes.WrongModelClass, JsonNesting.IsTooDeep(bytes) ? $"this {JsonNesting.Words}" : "this is not JSON", place);
        }
        catch (Exception absent) when (absent is IOException or UnauthorizedAccessException)
        {
            return new Fault.Input(FaultCodes.ModelNotFound, $"the model's configuration cannot be read: {absent.Message}", new SourcePlace(path));
        }
    }

    /// <summary>Reads what another file carries as text, the header of a weights file for instance; the root has to live until this returns.</summary>
    public static Result<T> Read<T>(string path, JsonElement root, Func<ConfigFields, T> read, FileFormat format, Action<Fault>? warn) => Read(path, root, static _ => { }, read, format, warn);

    private static Result<T> Read<T>(string path, JsonElement root, Action<ConfigFields> requireClass, Func<ConfigFields, T> read, FileFormat? format, Action<Fault>? warn)
    {
        var fields = new ConfigFields(path, root, format);
        fields.RequireObject();
        if (!fields.IsWrong) requireClass(fields);
        if (!fields.IsWrong && format is { IsOfDiffusers: true }) fields.RequireWords(FileFormat.DefaultsKey);
        if (fields._fault is { } other) return other;
        var value = read(fields);
        if (fields._fault is { } wrong) return wrong;
        foreach (var unknown in format?.Unknown(root, path) ?? []) warn?.Invoke(unknown);
        return value;
    }

    /// <summary>A whole number from 1 on.</summary>
    /// <param name="key">Its name.</param>
    /// <param name="absent">What it is when it is absent or null; null when it must be there.</param>
    public int Size(string key, int? absent = null)
    {
        if (Find(key) is not { } element) return absent ?? Wrong<int?>(key, "is missing") ?? 1;
        return AsSize(element) ?? Wrong<int?>(key, $"is {element.GetRawText()}, but has to be a whole number from 1 to {LargestSize}") ?? 1;
    }

    /// <summary>A whole number.</summary>
    public long Whole(string key, long absent)
    {
        if (Find(key) is not { } element) return absent;
        if (element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out var number)) return number;
        Wrong<object>(key, $"is {element.GetRawText()}, but has to be a whole number");
        return absent;
    }

    /// <summary>A list of whole numbers from 1 on, at least one.</summary>
    /// <param name="key">Its name.</param>
    /// <param name="absent">What it is when it is absent; null when it must be there.</param>
    public IReadOnlyList<int> Sizes(string key, IReadOnlyList<int>? absent = null)
    {
        if (absent is not null && Find(key) is null) return absent;
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
        if (Find(key) is not { ValueKind: not JsonValueKind.Null } element) return null;
        if (element.ValueKind == JsonValueKind.String && known.Contains(element.GetString())) return element.GetString();
        return Wrong<string>(key, $"is {element.GetRawText()}, but has to be {string.Join(" or ", known)}");
    }

    /// <summary>Any word.</summary>
    public string Text(string key, string absent)
    {
        if (Find(key) is not { } element) return absent;
        return element.ValueKind == JsonValueKind.String ? element.GetString()! : Wrong<string>(key, $"is {element.GetRawText()}, but has to be a word") ?? absent;
    }

    /// <summary>A list of finite numbers, of a given length.</summary>
    public IReadOnlyList<double> Numbers(string key, IReadOnlyList<double> absent)
    {
        if (Find(key) is not { } element) return absent;
        var right = element.ValueKind == JsonValueKind.Array && element.GetArrayLength() == absent.Count
            && element.EnumerateArray().All(entry => entry.ValueKind == JsonValueKind.Number && double.IsFinite(entry.GetDouble()));
        return right
            ? [.. element.EnumerateArray().Select(entry => entry.GetDouble())]
            : Wrong<double[]>(key, $"is {element.GetRawText()}, but has to be a list of {absent.Count} numbers") ?? absent;
    }

    /// <summary>A nested object; the fields of an absent one are absent.</summary>
    public ConfigFields Section(string key)
    {
        var element = Find(key);
        var right = element is not { } found || found.ValueKind == JsonValueKind.Object;
        Require(right, key, $"is {element?.GetRawText()}, but has to be an object");
        return new ConfigFields(_path, right ? element : null, _format, $"{_prefix}{key}.", this);
    }

    /// <summary>Whether a field is there and not null.</summary>
    public bool Has(string key) => Find(key) is { ValueKind: not JsonValueKind.Null };

    /// <summary>Whether a field is there and is an object.</summary>
    public bool IsSection(string key) => Find(key) is { ValueKind: JsonValueKind.Object };

    /// <summary>The activation function that a field names.</summary>
    /// <param name="key">The field.</param>
    /// <param name="name">Its value, or the part of it that is the function's name.</param>
    public Func<Tensor, Tensor> ActivationNamed(string key, string name)
    {
        if (Activation.Find(name, _path).TryGet(out var function, out var fault)) return function;
        Remember(fault with { Place = new SourcePlace(_path, Key: _prefix + key) });
        return Activation.Silu;
    }

    /// <summary>Requires that a list has one word so many times; an absent list has it once.</summary>
    public void All(string key, string word, int count)
    {
        Require(Find(key) is not null || count == 1, key, $"is missing, which means {word} once, but has to be there {count} times");
        if (Find(key) is not { } element) return;
        var right = element.ValueKind == JsonValueKind.Array && element.GetArrayLength() == count
            && element.EnumerateArray().All(entry => entry.ValueKind == JsonValueKind.String && entry.GetString() == word);
        Require(right, key, $"is {element.GetRawText()}, but has to be {count} times {word}: no other block is known");
    }

    /// <summary>A list of two words; null when the field is absent, or a list of two nulls, which is diffusers' way to say so.</summary>
    public (string First, string Second)? Pair(string key)
    {
        if (Find(key) is not { } element) return null;
        JsonElement[] two = element.ValueKind == JsonValueKind.Array ? [.. element.EnumerateArray()] : [];
        if (two is [{ ValueKind: JsonValueKind.Null }, { ValueKind: JsonValueKind.Null }]) return null;
        if (two is [{ ValueKind: JsonValueKind.String }, { ValueKind: JsonValueKind.String }]) return (two[0].GetString()!, two[1].GetString()!);
        return Wrong<(string, string)?>(key, $"is {element.GetRawText()}, but has to be a list of library and class") ?? ("", "");
    }

    /// <summary>Whether a field is there and is null.</summary>
    public bool IsNull(string key) => Find(key) is { ValueKind: JsonValueKind.Null };

    /// <summary>Requires that a field is absent or null.</summary>
    public void Absent(string key) => Require(!Has(key), key, "is set, which is not known");

    /// <summary>Requires that a relation between fields holds.</summary>
    public void Require(bool holds, string key, string message)
    {
        if (!holds) Wrong<object>(key, message);
    }

    private void RequireObject()
    {
        if (_root is not { ValueKind: JsonValueKind.Object })
            Remember(new Fault.Input(FaultCodes.WrongModelClass, "this is not a JSON object", new SourcePlace(_path)));
    }

    private void RequireWords(string key)
    {
        if (Find(key) is not { } element) return;
        Require(element.ValueKind == JsonValueKind.Array && element.EnumerateArray().All(static word => word.ValueKind == JsonValueKind.String), key, $"is {element.GetRawText()}, but has to be a list of words");
    }

    private void RequireArchitecture(IReadOnlyList<string> architectures)
    {
        const string key = "architectures";
        var found = Find(key);
        var names = found is { ValueKind: JsonValueKind.Array } list
            ? list.EnumerateArray().Where(name => name.ValueKind == JsonValueKind.String).Select(name => name.GetString()!).ToArray()
            : [];
        Architecture = architectures.FirstOrDefault(names.Contains) ?? "";
        Require(Architecture.Length > 0, key, $"is {found?.GetRawText() ?? "missing"}, but has to name {string.Join(" or ", architectures)}");
    }

    private void RequireClass(string className)
    {
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

    /// <summary>A field as it stands in the file, for forms that no getter has; null when it is absent.</summary>
    /// <param name="key">Its name.</param>
    public JsonElement? Find(string key)
    {
        if (_format is not { } format) return _root is { } plain && plain.TryGetProperty(key, out var element) && element.ValueKind != JsonValueKind.Null ? element : null;
        if (!format.Reads(_prefix + key)) throw new InvalidOperationException($"'{_prefix}{key}' is read, but {format.File} does not declare it so");
        return _root is { } root ? format.Find(root, key) : null;
    }

    private T? Wrong<T>(string key, string message)
    {
        Remember(new Fault.Input(FaultCodes.WrongModelClass, $"'{_prefix}{key}' {string.Join(' ', message.Split('\n', StringSplitOptions.TrimEntries))}", new SourcePlace(_path, Key: _prefix + key)));
        return default;
    }

    private void Remember(Fault fault)
    {
        for (var fields = this; fields is not null; fields = fields._outer) fields._fault ??= fault;
    }
}
