using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Host.Kernel.Pictures;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using SkiaSharp;

namespace LeapAlign.Host.Filtering;

/// <summary>A folder of rows that were kept, which the prompt source <c>captioned-pictures</c> reads: pictures stay where they are, those that are laid otherwise are written anew.</summary>
internal static class KeptRows
{
    /// <summary>The file of rows in the folder.</summary>
    public const string FileName = "pictures.jsonl";

    private static readonly string[] s_captionKeys = ["prompt", "caption", "text"];
    private static readonly JsonSerializerOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes it, whole or not at all.</summary>
    /// <param name="folder">Its full path.</param>
    /// <param name="sheet">What was found.</param>
    /// <param name="withClean">Whether the clean rows stand before them.</param>
    /// <returns><see cref="FaultCodes.CannotWrite"/> when the disk refuses.</returns>
    public static Result<Unit> Write(string folder, FilterSheet sheet, bool withClean) => WholeFolder.Write(folder, aside =>
    {
        var lines = new StringBuilder();
        foreach (var clean in withClean ? sheet.Clean : []) lines.Append(Line(clean, Path.GetRelativePath(folder, clean.Pictures[0]), clean.Text)).Append('\n');
        for (var row = 0; row < sheet.Rows.Count; row++)
        {
            if (sheet.Verdicts[row] is not { Kept: true, Best: var best }) continue;
            var prompt = sheet.Rows[row];
            var file = Path.GetRelativePath(folder, prompt.Pictures[0]);
            if (best.Pose != Pose.AsItIs)
            {
                file = string.Create(CultureInfo.InvariantCulture, $"{row + 1:D6}.png");
                if (!WholeFile.Write(Path.Combine(aside, file), Laid(prompt.Pictures[0], best.Pose)).TryGet(out _, out var fault)) return fault;
            }
            lines.Append(Line(prompt, file, best.Caption)).Append('\n');
        }
        return WholeFile.Write(Path.Combine(aside, FileName), Encoding.UTF8.GetBytes(lines.ToString()));
    });

    private static byte[] Laid(string path, Pose pose)
    {
        using var picture = PictureFile.Decode(path, path);
        using var laid = pose.Of(picture);
        using var image = SKImage.FromBitmap(laid);
        using var png = image.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    // What else a row says is said of its caption (docs/prompt-files.md), and does not hold for another.
    private static string Line(Prompt prompt, string file, string caption)
    {
        var line = new JsonObject { ["file"] = file.Replace('\\', '/'), ["caption"] = caption };
        if (caption == prompt.Text && prompt.Metadata is { } text && JsonNode.Parse(text) is JsonObject metadata)
        {
            foreach (var (key, value) in metadata.Where(each => !line.ContainsKey(each.Key) && !s_captionKeys.Contains(each.Key, StringComparer.Ordinal))) line[key] = value?.DeepClone();
        }
        return line.ToJsonString(s_options);
    }
}
