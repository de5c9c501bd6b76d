using LeapAlign.Host.Runs.Metrics;
using SkiaSharp;

namespace LeapAlign.Host.Reports.Pages;

/// <summary>
/// The sample pictures of a run as data URIs. Small ones are the files of the run as they are; larger ones are scaled down and written as WebP. What was made
/// once is kept: a run writes its report after each evaluation, and its pictures do not change.
/// </summary>
internal sealed class EmbeddedPictures
{
    /// <summary>The longest side of an embedded picture, in pixels.</summary>
    public const int LongestSide = 256;

    /// <summary>The most evaluations that are shown: the first, the last, and others evenly between them.</summary>
    public const int MostSteps = 12;

    /// <summary>The most captions that are shown.</summary>
    public const int MostCaptions = 16;

    private const int LosslessBytes = 24 * 1024;
    private const int Quality = 88;

    private readonly Dictionary<string, string> _made = [];

    /// <summary>Takes the pictures of a run and of its previews.</summary>
    public PictureSeries Of(RecordedRun run) => Of(run, null, [.. run.Evaluations.Select(static line => (line.Step, line.Samples))]) with
    {
        Previews = [.. run.Previews.GroupBy(static line => line.Preview).Select(lines => Of(run, lines.Key, [.. lines.Select(static line => (line.Step, line.Samples))]))],
    };

    private PictureSeries Of(RecordedRun run, string? preview, IReadOnlyList<(int Step, IReadOnlyList<SampleLine> Samples)> lines)
    {
        var evaluations = Spread([.. lines.Where(static evaluation => evaluation.Samples?.Count > 0)], MostSteps);
        return new PictureSeries(
            [.. evaluations.Select(static evaluation => evaluation.Step)],
            lines.Select(static evaluation => evaluation.Samples?.Count ?? 0).DefaultIfEmpty(0).Max(),
            [.. evaluations.Select(evaluation => (IReadOnlyList<ShownPicture>)[.. evaluation.Samples.Take(MostCaptions).Select((sample, number) =>
                new ShownPicture(sample.Caption, sample.Rewards, Uri(run.Folder.Sample(evaluation.Step, number, preview))))])])
        { Preview = preview };
    }

    /// <summary>At most so many of a list, the first and the last among them, evenly.</summary>
    public static IReadOnlyList<T> Spread<T>(IReadOnlyList<T> all, int most) => all.Count <= most
        ? all
        : [.. Enumerable.Range(0, most).Select(place => all[(int)Math.Round((double)place * (all.Count - 1) / (most - 1), MidpointRounding.AwayFromZero)])];

    private string? Uri(string path)
    {
        if (_made.TryGetValue(path, out var known)) return known;
        // A folder that was tidied up still has a report, without the pictures that are gone.
        if (Bytes(path) is not { } file || Encode(file) is not { } made) return null;
        return _made[path] = made;
    }

    private static byte[]? Bytes(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string? Encode(byte[] file)
    {
        var size = SKBitmap.DecodeBounds(file);
        if (size.IsEmpty) return null;
        var scale = Math.Min(1, (double)LongestSide / Math.Max(size.Width, size.Height));
        if (scale == 1 && file.Length <= LosslessBytes) return $"data:image/png;base64,{Convert.ToBase64String(file)}";
        using var bitmap = SKBitmap.Decode(file);
        if (bitmap is null) return null;
        using var scaled = scale == 1 ? bitmap.Copy() : bitmap.Resize(new SKSizeI(Side(size.Width), Side(size.Height)), SKFilterQuality.High);
        using var data = scaled.Encode(SKEncodedImageFormat.Webp, Quality);
        return $"data:image/webp;base64,{Convert.ToBase64String(data.AsSpan())}";

        int Side(int pixels) => Math.Max(1, (int)Math.Round(pixels * scale));
    }
}

/// <summary>The same captions and noise at several steps.</summary>
/// <param name="Steps">The steps that are shown.</param>
/// <param name="Captions">Captions the run drew, of which the report shows at most <see cref="EmbeddedPictures.MostCaptions"/>.</param>
/// <param name="Pictures">For each step, a picture for each caption.</param>
internal sealed record PictureSeries(IReadOnlyList<int> Steps, int Captions, IReadOnlyList<IReadOnlyList<ShownPicture>> Pictures)
{
    public static PictureSeries Empty { get; } = new([], 0, []);

    /// <summary>The name of the preview; null for the pictures of evaluations.</summary>
    public string? Preview { get; init; }

    /// <summary>The pictures of previews, each with its name.</summary>
    public IReadOnlyList<PictureSeries> Previews { get; init; } = [];
}

/// <summary>A picture of an evaluation.</summary>
/// <param name="Caption">Its caption.</param>
/// <param name="Rewards">Its rewards.</param>
/// <param name="Source">A data URI; null when the file is gone or no picture.</param>
internal sealed record ShownPicture(string Caption, IReadOnlyDictionary<string, double> Rewards, string? Source);
