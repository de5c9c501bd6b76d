using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LeapAlign.Host.Configuration;

/// <summary>JSON as this program writes it for people: indented, with line feeds whatever the platform, and letters as they are.</summary>
internal static class IndentedJson
{
    private static readonly JsonWriterOptions s_options = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The text of what is written, with a line feed at its end.</summary>
    public static string Of(Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, s_options)) write(writer);
        return $"{Encoding.UTF8.GetString(buffer.GetBuffer().AsSpan(0, (int)buffer.Length))}\n";
    }
}
