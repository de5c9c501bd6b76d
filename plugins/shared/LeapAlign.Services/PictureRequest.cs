using System.Buffers;
using System.Text.Json;
using LeapAlign.Contracts.Prompts;

namespace LeapAlign.Services;

/// <summary>
/// The body of a request: <c>{ "version": 1, "images": [base64 PNG...], "prompts": [...], "metadata": [object|null...] }</c>, the three lists of one length.
/// </summary>
public static class PictureRequest
{
    private const int Version = 1;

    /// <summary>Writes a request.</summary>
    /// <param name="images">The pictures, as PNG.</param>
    /// <param name="prompts">A prompt for each.</param>
    public static byte[] Write(IReadOnlyList<byte[]> images, IReadOnlyList<Prompt> prompts)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(prompts);
        var buffer = new ArrayBufferWriter<byte>(images.Sum(static image => image.Length) * 3 / 2);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("version", Version);
            json.WriteStartArray("images");
            foreach (var image in images) json.WriteBase64StringValue(image);
            json.WriteEndArray();
            json.WriteStartArray("prompts");
            foreach (var prompt in prompts) json.WriteStringValue(prompt.Text);
            json.WriteEndArray();
            json.WriteStartArray("metadata");
            foreach (var prompt in prompts) WriteMetadata(json, prompt.Metadata);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteMetadata(Utf8JsonWriter json, string? metadata)
    {
        if (metadata is null) json.WriteNullValue();
        else json.WriteRawValue(metadata);
    }
}
