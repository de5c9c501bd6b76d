using System.Text.Json;
using LeapAlign.Pipeline;

namespace LeapAlign.Storage.Safetensors;

/// <summary>Which shard holds which tensor: <c>{"metadata": {"total_size": bytes}, "weight_map": {tensor: file}}</c>.</summary>
/// <param name="FileOf">File name by tensor name, in the order of the index.</param>
internal sealed record SafetensorsIndex(IReadOnlyDictionary<string, string> FileOf)
{
    /// <summary>Reads an index.</summary>
    /// <returns>A fault <see cref="FaultCodes.DamagedWeights"/> when it is malformed or names a file outside its folder.</returns>
    public static Result<SafetensorsIndex> Read(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return Read(document.RootElement, path);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            return Damaged(path, $"the index cannot be read ({exception.Message})");
        }
    }

    /// <summary>The text of the index.</summary>
    /// <param name="totalBytes">Bytes of all tensors.</param>
    public byte[] ToJson(long totalBytes)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("metadata");
            writer.WriteNumber("total_size", totalBytes);
            writer.WriteEndObject();
            writer.WriteStartObject("weight_map");
            foreach (var (name, file) in FileOf) writer.WriteString(name, file);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        return stream.ToArray();
    }

    private static Result<SafetensorsIndex> Read(JsonElement root, string path)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("weight_map", out var map) || map.ValueKind != JsonValueKind.Object)
            return Damaged(path, "the index has no weight_map");
        var fileOf = new Dictionary<string, string>();
        foreach (var property in map.EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.String || property.Value.GetString() is not { Length: > 0 } file || !IsPlainName(file))
                return Damaged(path, $"tensor '{property.Name}': the index does not give the name of a file beside it");
            if (!fileOf.TryAdd(property.Name, file)) return Damaged(path, $"tensor '{property.Name}': the index names it twice");
        }
        return fileOf.Count == 0 ? Damaged(path, "the index names no tensor") : new SafetensorsIndex(fileOf);
    }

    private static bool IsPlainName(string file) => file.IndexOfAny(['/', '\\', '\0']) < 0 && file is not ("." or "..");

    private static Fault Damaged(string path, string message) => new Fault.Input(FaultCodes.DamagedWeights, message, new SourcePlace(path));
}
