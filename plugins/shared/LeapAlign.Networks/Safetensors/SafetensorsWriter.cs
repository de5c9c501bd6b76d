using System.Buffers.Binary;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Safetensors;

/// <summary>A tensor to write.</summary>
/// <param name="name">Its name in the file.</param>
/// <param name="entry">The type and shape in the file.</param>
/// <param name="source">Gives the tensor, on any device and in any type; it is converted. Called once, in a dispose scope of the writer.</param>
public sealed class TensorToWrite(string name, WeightEntry entry, Func<Tensor> source)
{
    /// <summary>Its name in the file.</summary>
    public string Name { get; } = name;

    /// <summary>The type and shape in the file.</summary>
    public WeightEntry Entry { get; } = entry;

    /// <summary>Gives the tensor.</summary>
    public Func<Tensor> Source { get; } = source;

    internal long Bytes => Entry.Shape.Aggregate((long)SafetensorsType.SizeOf(Entry.Type), static (product, size) => product * size);
}

/// <summary>Writes tensors as the libraries do: in the given order, without gaps, metadata <c>format = pt</c>.</summary>
public static class SafetensorsWriter
{
    private const long ShardBytes = 10_000_000_000;
    private const int Alignment = 8;

    /// <summary>Writes a component's weights: one file, or shards with an index when they are larger than <paramref name="shardBytes"/>.</summary>
    /// <param name="folder">An existing folder.</param>
    /// <param name="stem"><c>diffusion_pytorch_model</c> or <c>model</c>.</param>
    /// <param name="tensors">In the order of the file.</param>
    /// <param name="shardBytes">The size at which a new shard begins.</param>
    /// <returns>LA5002 when a file cannot be written; an incomplete file is removed.</returns>
    public static Result<Unit> WriteFolder(string folder, string stem, IReadOnlyList<TensorToWrite> tensors, long shardBytes = ShardBytes)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        var shards = Shards(tensors, shardBytes);
        if (shards.Count == 1) return Write(Path.Combine(folder, stem + ".safetensors"), tensors);
        Dictionary<string, string> map = [];
        for (var i = 0; i < shards.Count; i++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"{stem}-{i + 1:D5}-of-{shards.Count:D5}.safetensors");
            if (!Write(Path.Combine(folder, name), shards[i]).TryGet(out _, out var fault)) return fault;
            foreach (var tensor in shards[i]) map.Add(tensor.Name, name);
        }
        return WriteAside(Path.Combine(folder, stem + ".safetensors.index.json"), file => WriteIndex(file, tensors.Sum(static tensor => tensor.Bytes), map));
    }

    /// <summary>Writes one file: aside, flushed and renamed, so that it is there whole or not at all.</summary>
    /// <returns>LA5002 when it cannot be written.</returns>
    public static Result<Unit> Write(string path, IReadOnlyList<TensorToWrite> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        return WriteAside(path, file =>
        {
            file.Write(Header(tensors));
            foreach (var tensor in tensors)
            {
                using var scope = NewDisposeScope();
                var source = tensor.Source();
                if (!source.shape.SequenceEqual(tensor.Entry.Shape)) throw new InvalidOperationException($"tensor '{tensor.Name}' is [{string.Join(", ", source.shape)}], not [{string.Join(", ", tensor.Entry.Shape)}]");
                TensorBytes.Write(file, source.detach().to(tensor.Entry.Type).cpu().contiguous());
            }
        });
    }

    private static List<List<TensorToWrite>> Shards(IReadOnlyList<TensorToWrite> tensors, long limit)
    {
        List<List<TensorToWrite>> shards = [[]];
        long size = 0;
        foreach (var tensor in tensors)
        {
            if (shards[^1].Count > 0 && size + tensor.Bytes > limit)
            {
                shards.Add([]);
                size = 0;
            }
            shards[^1].Add(tensor);
            size += tensor.Bytes;
        }
        return shards;
    }

    private static byte[] Header(IEnumerable<TensorToWrite> tensors)
    {
        using var buffer = new MemoryStream();
        buffer.Write(new byte[sizeof(long)]);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            long offset = 0;
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            json.WriteString("format", "pt");
            json.WriteEndObject();
            foreach (var tensor in tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", SafetensorsType.NameOf(tensor.Entry.Type));
                json.WriteStartArray("shape");
                foreach (var size in tensor.Entry.Shape) json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += tensor.Bytes);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        while (buffer.Length % Alignment != 0) buffer.WriteByte((byte)' ');
        var header = buffer.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(header, header.Length - sizeof(long));
        return header;
    }

    private static void WriteIndex(Stream file, long totalBytes, Dictionary<string, string> map)
    {
        using var json = new Utf8JsonWriter(file, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteStartObject("metadata");
        json.WriteNumber("total_size", totalBytes);
        json.WriteEndObject();
        json.WriteStartObject("weight_map");
        foreach (var (tensor, name) in map) json.WriteString(tensor, name);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static Result<Unit> WriteAside(string path, Action<Stream> write)
    {
        var aside = path + ".part";
        try
        {
            using (var file = new FileStream(aside, FileMode.Create, FileAccess.Write))
            {
                write(file);
                file.Flush(flushToDisk: true);
            }
            File.Move(aside, path, overwrite: true);
            return Unit.Value;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            if (File.Exists(aside)) File.Delete(aside);
            return new Fault.Run(FaultCodes.CannotWrite, $"cannot be written: {exception.Message}", new SourcePlace(path));
        }
    }
}
