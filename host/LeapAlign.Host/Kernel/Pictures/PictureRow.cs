using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeapAlign.Contracts.Prompts;

namespace LeapAlign.Host.Kernel.Pictures;

/// <summary>A row of a file of pictures and captions, as the prompt source <c>captioned-pictures</c> and <c>score --captions</c> read it (docs/prompt-files.md).</summary>
internal static class PictureRow
{
    private static readonly string[] s_captionKeys = ["prompt", "caption", "text"];
    private static readonly JsonSerializerOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The row as a line of JSON.</summary>
    /// <param name="prompt">The caption, and what its file says of it.</param>
    /// <param name="file">The picture, relative to the folder of the rows.</param>
    /// <param name="caption">The caption of the row. What the prompt's file says is said of its own caption, and does not hold for another.</param>
    /// <param name="latents">The file of its latents, relative to the same folder; null for none.</param>
    public static string Line(Prompt prompt, string file, string caption, string? latents = null)
    {
        var line = new JsonObject { ["file"] = file.Replace('\\', '/'), ["caption"] = caption };
        if (latents is not null) line["latents"] = latents.Replace('\\', '/');
        if (caption == prompt.Text && prompt.Metadata is { } text && JsonNode.Parse(text) is JsonObject metadata)
        {
            foreach (var (key, value) in metadata.Where(each => !line.ContainsKey(each.Key) && !s_captionKeys.Contains(each.Key, StringComparer.Ordinal))) line[key] = value?.DeepClone();
        }
        return line.ToJsonString(s_options);
    }
}
