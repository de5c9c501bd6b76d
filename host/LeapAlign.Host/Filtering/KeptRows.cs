using System.Globalization;
using System.Text;
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

    /// <summary>Writes it, whole or not at all.</summary>
    /// <param name="folder">Its full path.</param>
    /// <param name="sheet">What was found.</param>
    /// <param name="withClean">Whether the clean rows stand before them.</param>
    /// <returns><see cref="FaultCodes.CannotWrite"/> when the disk refuses.</returns>
    public static Result<Unit> Write(string folder, FilterSheet sheet, bool withClean) => WholeFolder.Write(folder, aside =>
    {
        var lines = new StringBuilder();
        foreach (var clean in withClean ? sheet.Clean : []) lines.Append(PictureRow.Line(clean, Path.GetRelativePath(folder, clean.Pictures[0]), clean.Text)).Append('\n');
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
            lines.Append(PictureRow.Line(prompt, file, best.Caption)).Append('\n');
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
}
