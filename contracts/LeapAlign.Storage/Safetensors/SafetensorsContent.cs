using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using LeapAlign.Storage.Disks;
using static TorchSharp.torch;

namespace LeapAlign.Storage.Safetensors;

/// <summary>The bytes of one safetensors file that is about to be written: the header, and where each tensor goes.</summary>
internal sealed class SafetensorsContent
{
    private const int LengthWord = 8;
    private const int Alignment = 8;
    private readonly IReadOnlyList<TensorToWrite> _tensors;
    private readonly long[] _offsets;
    private readonly int[] _order;
    private readonly byte[] _header;

    /// <summary>Lays a file out.</summary>
    /// <exception cref="ArgumentException">A name occurs twice, or the format has no such precision.</exception>
    public SafetensorsContent(IReadOnlyList<TensorToWrite> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        if (tensors.GroupBy(tensor => tensor.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ArgumentException($"tensor '{twice.Key}' is given twice", nameof(tensors));
        _tensors = tensors;
        _offsets = new long[tensors.Count];
        // Wide elements first: readers that map the file need every tensor to begin at a multiple of its element size.
        _order = [.. Enumerable.Range(0, tensors.Count).OrderByDescending(i => SafetensorsType.SizeOf(tensors[i].Type))];
        foreach (var i in _order)
        {
            _offsets[i] = TensorByteCount;
            TensorByteCount = checked(TensorByteCount + ByteCount(tensors[i]));
        }
        _header = Header(metadata);
    }

    /// <summary>Bytes of all tensors.</summary>
    public long TensorByteCount { get; }

    /// <summary>Bytes of the file.</summary>
    public long Length => checked(_header.Length + TensorByteCount);

    /// <summary>Bytes that a tensor takes in a file.</summary>
    /// <exception cref="ArgumentException">The format has no such precision.</exception>
    public static long ByteCount(TensorToWrite tensor)
    {
        var size = SafetensorsType.SizeOf(tensor.Type);
        if (size == 0) throw new ArgumentException($"tensor '{tensor.Name}': safetensors has no type for {tensor.Type}", nameof(tensor));
        return checked(tensor.Value.numel() * size);
    }

    /// <summary>Writes everything from the beginning to the end, converting one tensor at a time.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public void WriteTo(IDiskFile file)
    {
        file.Write(_header);
        using var _ = no_grad();
        foreach (var i in _order)
        {
            using var scope = NewDisposeScope();
            TensorBytes.Write(file, Made(_tensors[i]).detach().to(_tensors[i].Type, CPU).contiguous());
        }
    }

    private static Tensor Made(TensorToWrite tensor)
    {
        if (tensor.Make is not { } make) return tensor.Value;
        var made = make();
        // The header is written, and has the shape that was said.
        if (!made.shape.SequenceEqual(tensor.Value.shape))
            throw new ArgumentException($"tensor '{tensor.Name}' was to be [{string.Join(", ", tensor.Value.shape)}], but was made as [{string.Join(", ", made.shape)}]", nameof(tensor));
        return made;
    }

    private byte[] Header(IReadOnlyDictionary<string, string> metadata)
    {
        using var stream = new MemoryStream();
        stream.Write(new byte[LengthWord]);
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata.Count > 0)
            {
                json.WriteStartObject(SafetensorsHeader.MetadataKey);
                foreach (var (key, value) in metadata) json.WriteString(key, value);
                json.WriteEndObject();
            }
            for (var i = 0; i < _tensors.Count; i++) WriteEntry(json, i);
            json.WriteEndObject();
        }
        while (stream.Length % Alignment != 0) stream.WriteByte((byte)' ');
        var header = stream.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(header, header.Length - LengthWord);
        return header;
    }

    private void WriteEntry(Utf8JsonWriter json, int i)
    {
        var tensor = _tensors[i];
        json.WriteStartObject(tensor.Name);
        json.WriteString("dtype", SafetensorsType.NameOf(tensor.Type));
        json.WriteStartArray("shape");
        foreach (var size in tensor.Value.shape) json.WriteNumberValue(size);
        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(_offsets[i]);
        json.WriteNumberValue(_offsets[i] + ByteCount(tensor));
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
