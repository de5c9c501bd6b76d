using System.Text.Json;
using System.Text.Unicode;
using LeapAlign.Pipeline;

namespace LeapAlign.Storage.Safetensors;

/// <summary>
/// The JSON header of a safetensors file, checked as the reference reader checks it: a header that passes describes every byte after it exactly once, so
/// reading a tensor cannot leave the file.
/// </summary>
internal sealed class SafetensorsHeader
{
    /// <summary>The reference reader's limit, in bytes.</summary>
    public const long LargestHeader = 100_000_000;

    /// <summary>The entry that holds text instead of a tensor.</summary>
    public const string MetadataKey = "__metadata__";
    private readonly string _path;
    private readonly List<Place> _places = [];

    private SafetensorsHeader(string path) => _path = path;

    /// <summary>Type and shape by tensor name, in the order of the header.</summary>
    public Dictionary<string, WeightEntry> Entries { get; } = [];

    /// <summary>Offset of each tensor's first byte after the header, in bytes.</summary>
    public Dictionary<string, long> Offsets { get; } = [];

    /// <summary>The file's own key/value text.</summary>
    public Dictionary<string, string> Metadata { get; } = [];

    /// <summary>Reads a header.</summary>
    /// <param name="json">The bytes between the length word and the data.</param>
    /// <param name="dataLength">Bytes of the file after the header.</param>
    /// <param name="path">The file, for messages.</param>
    /// <returns>A fault <see cref="FaultCodes.DamagedWeights"/> that names the file and, where there is one, the tensor.</returns>
    public static Result<SafetensorsHeader> Parse(ReadOnlyMemory<byte> json, long dataLength, string path)
    {
        var header = new SafetensorsHeader(path);
        if (json.Span.TrimStart(" \t\r\n"u8) is not [(byte)'{', ..]) return header.Damaged("the header does not begin with '{'");
        if (!Utf8.IsValid(json.Span)) return header.Damaged("the header is not UTF-8");
        try
        {
            using var document = JsonDocument.Parse(json);
            if (header.ReadTensors(document.RootElement) is { } wrong) return wrong;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // The JSON reader reports escaped half surrogates as InvalidOperationException.
            return header.Damaged(JsonNesting.IsTooDeep(json.Span) ? $"the header {JsonNesting.Words}" : $"the header is not JSON ({exception.Message})");
        }
        return header.CheckCoverage(dataLength) is { } uncovered ? uncovered : header;
    }

    private Fault? ReadTensors(JsonElement root)
    {
        var names = new HashSet<string>();
        foreach (var property in root.EnumerateObject())
        {
            if (!names.Add(property.Name)) return Damaged("the name occurs twice", property.Name);
            var wrong = property.Name == MetadataKey ? ReadMetadata(property.Value) : ReadTensor(property.Name, property.Value);
            if (wrong is not null) return wrong;
        }
        return null;
    }

    private Fault? ReadMetadata(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Null) return null;
        if (value.ValueKind != JsonValueKind.Object) return Damaged("the metadata is not an object of strings", MetadataKey);
        foreach (var property in value.EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.String) return Damaged($"the metadata value '{property.Name}' is not a string", MetadataKey);
            if (!Metadata.TryAdd(property.Name, property.Value.GetString()!)) return Damaged($"the metadata key '{property.Name}' occurs twice", MetadataKey);
        }
        return null;
    }

    private Fault? ReadTensor(string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object
            || !value.TryGetProperty("dtype", out var dtype) || dtype.ValueKind != JsonValueKind.String
            || !value.TryGetProperty("shape", out var shape)
            || !value.TryGetProperty("data_offsets", out var offsets))
            return Damaged("expected an object of dtype, shape and data_offsets", name);
        // Keys beside the three are ignored, as the reference reader does; one of the three that occurs twice is not.
        if (value.EnumerateObject().Count(static property => property.Name is "dtype" or "shape" or "data_offsets") != 3) return Damaged("dtype, shape or data_offsets occurs twice", name);
        var typeName = dtype.GetString()!;
        if (!SafetensorsType.TryParse(typeName, out var type)) return Damaged($"the type '{typeName}' is not supported; supported are {SafetensorsType.Names}{(SafetensorsType.IsSmallFloat(typeName) ? ": take the weights in BF16, F16 or F32, not quantised to 8 bits or fewer" : "")}", name);
        if (ReadNumbers(shape) is not { } sizes) return Damaged("the shape is not a list of numbers >= 0", name);
        if (ReadNumbers(offsets) is not [var begin, var end] || begin > end) return Damaged("data_offsets are not two numbers, 0 <= begin <= end", name);
        if (ByteCount(sizes, SafetensorsType.SizeOf(type)) is not { } bytes) return Damaged("the shape is larger than any file", name);
        if (bytes != end - begin) return Damaged($"{typeName} [{string.Join(", ", sizes)}] takes {bytes} bytes, but data_offsets span {end - begin}", name);
        Entries.Add(name, new WeightEntry(type, sizes));
        Offsets.Add(name, begin);
        _places.Add(new Place(name, begin, end));
        return null;
    }

    private static long[]? ReadNumbers(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array) return null;
        var numbers = new long[value.GetArrayLength()];
        var count = 0;
        foreach (var item in value.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt64(out var number) || number < 0) return null;
            numbers[count++] = number;
        }
        return numbers;
    }

    private static long? ByteCount(long[] sizes, int elementSize)
    {
        try
        {
            // A side of 0 makes every product 0, but strides are those of the other sides, and they have to fit too.
            var strides = sizes.Aggregate((long)elementSize, static (product, size) => checked(product * Math.Max(size, 1)));
            return sizes.Contains(0) ? 0 : strides;
        }
        catch (OverflowException)
        {
            return null;
        }
    }

    private Fault? CheckCoverage(long dataLength)
    {
        var covered = 0L;
        foreach (var place in _places.OrderBy(place => place.Begin).ThenBy(place => place.End))
        {
            if (place.End > dataLength) return Damaged($"the data ends at byte {place.End}, but the file holds {dataLength} bytes of data", place.Name);
            if (place.Begin < covered) return Damaged($"the data at byte {place.Begin} overlaps that of another tensor", place.Name);
            if (place.Begin > covered) return Damaged($"the data begins at byte {place.Begin}, but bytes from {covered} on belong to no tensor", place.Name);
            covered = place.End;
        }
        return covered == dataLength ? null : Damaged($"{dataLength - covered} bytes after the last tensor belong to none");
    }

    private Fault Damaged(string message, string? tensor = null) =>
        new Fault.Input(FaultCodes.DamagedWeights, tensor is null ? message : $"tensor '{tensor}': {message}", new SourcePlace(_path));

    private readonly record struct Place(string Name, long Begin, long End);
}
