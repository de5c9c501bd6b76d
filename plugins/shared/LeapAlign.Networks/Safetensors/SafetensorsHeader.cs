using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;

namespace LeapAlign.Networks.Safetensors;

/// <summary>Where a tensor's bytes lie.</summary>
/// <param name="Entry">Type and shape.</param>
/// <param name="Start">Offset from the beginning of the file.</param>
/// <param name="Length">In bytes.</param>
internal sealed record SafetensorsSpan(WeightEntry Entry, long Start, long Length);

/// <summary>
/// The header of a safetensors file: 8 bytes little-endian length, that many bytes of JSON, then the tensors without a gap. Everything is checked before
/// a byte of a tensor is read: a damaged file gives a fault, never a half-loaded model.
/// </summary>
internal static class SafetensorsHeader
{
    private const int LengthBytes = sizeof(ulong);
    private const int LongestHeader = 100_000_000;
    private const string Metadata = "__metadata__";

    /// <summary>Reads and checks a header.</summary>
    /// <param name="stream">At the beginning of the file.</param>
    /// <param name="path">For messages.</param>
    public static Result<IReadOnlyDictionary<string, SafetensorsSpan>> Read(Stream stream, string path)
    {
        Fault Damaged(string message, string? tensor = null) => new Fault.Input(FaultCodes.DamagedWeights, message, new SourcePlace(path, Key: tensor));
        Span<byte> word = stackalloc byte[LengthBytes];
        if (stream.ReadAtLeast(word, LengthBytes, throwOnEndOfStream: false) < LengthBytes) return Result.Fail<IReadOnlyDictionary<string, SafetensorsSpan>>(Damaged("the file is shorter than the 8 bytes that give its header's length"));
        var length = BinaryPrimitives.ReadUInt64LittleEndian(word);
        if (length > LongestHeader || (long)length > stream.Length - LengthBytes)
            return Result.Fail<IReadOnlyDictionary<string, SafetensorsSpan>>(Damaged($"the header is said to be {length} bytes long, but the file has {stream.Length} bytes and a header at most {LongestHeader}"));
        var json = new byte[length];
        stream.ReadExactly(json);
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 8 });
            return Tensors(document.RootElement, LengthBytes + (long)length, stream.Length)
                .Match(Result.Ok, fault => Result.Fail<IReadOnlyDictionary<string, SafetensorsSpan>>(Damaged(fault.Message, fault.Place?.Key)));
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or DecoderFallbackException)
        {
            return Result.Fail<IReadOnlyDictionary<string, SafetensorsSpan>>(Damaged($"the header is not the JSON object that it has to be: {exception.Message}"));
        }
    }

    private static Result<IReadOnlyDictionary<string, SafetensorsSpan>> Tensors(JsonElement root, long dataStart, long fileLength)
    {
        Result<IReadOnlyDictionary<string, SafetensorsSpan>> Wrong(string message, string? tensor) =>
            new Fault.Input(FaultCodes.DamagedWeights, message, new SourcePlace("", Key: tensor));
        if (root.ValueKind != JsonValueKind.Object) return Wrong("the header is not a JSON object", null);
        Dictionary<string, SafetensorsSpan> spans = [];
        foreach (var property in root.EnumerateObject())
        {
            if (property.Name == Metadata) continue;
            if (!Span(property.Value, dataStart).TryGet(out var span, out var fault)) return Wrong(fault.Message, property.Name);
            spans.Add(property.Name, span);
        }
        var expected = dataStart;
        foreach (var (name, span) in spans.OrderBy(static pair => pair.Value.Start).ThenBy(static pair => pair.Value.Length))
        {
            if (span.Start != expected) return Wrong($"its bytes begin at {span.Start - dataStart}, but those before it end at {expected - dataStart}", name);
            expected += span.Length;
        }
        if (expected != fileLength) return Wrong($"the tensors take {expected - dataStart} bytes, but the file holds {fileLength - dataStart} behind its header", null);
        return spans;
    }

    private static Result<SafetensorsSpan> Span(JsonElement tensor, long dataStart)
    {
        Result<SafetensorsSpan> Wrong(string message) => new Fault.Input(FaultCodes.DamagedWeights, message);
        if (tensor.ValueKind != JsonValueKind.Object
            || !tensor.TryGetProperty("dtype", out var dtype) || dtype.ValueKind != JsonValueKind.String
            || !tensor.TryGetProperty("shape", out var shape) || Integers(shape) is not { } sizes
            || !tensor.TryGetProperty("data_offsets", out var offsets) || Integers(offsets) is not { Length: 2 } range)
            return Wrong("its entry needs 'dtype', 'shape' and two 'data_offsets'");
        if (SafetensorsType.Find(dtype.GetString()!) is not { } type) return Wrong($"its dtype is {dtype.GetString()}, but known are {string.Join(", ", SafetensorsType.Names)}");
        if (range[0] > range[1]) return Wrong($"its data_offsets are {range[0]} and {range[1]}");
        if (range[1] > long.MaxValue / 2) return Wrong($"its data_offsets go beyond any file: {range[1]}");
        var bytes = sizes.Aggregate((UInt128)SafetensorsType.SizeOf(type), static (product, size) => product > ulong.MaxValue ? product : product * (ulong)size);
        if (bytes != (UInt128)(range[1] - range[0])) return Wrong($"its shape [{string.Join(", ", sizes)}] of {dtype.GetString()} takes {bytes} bytes, but its data_offsets give {range[1] - range[0]}");
        return new SafetensorsSpan(new WeightEntry(type, sizes), dataStart + range[0], range[1] - range[0]);
    }

    private static long[]? Integers(JsonElement list)
    {
        if (list.ValueKind != JsonValueKind.Array) return null;
        var values = new long[list.GetArrayLength()];
        for (var i = 0; i < values.Length; i++)
        {
            if (list[i].ValueKind != JsonValueKind.Number || !list[i].TryGetInt64(out values[i]) || values[i] < 0) return null;
        }
        return values;
    }
}
