using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;
using LeapAlign.PromptFiles;

namespace LeapAlign.Prompts.Pictures;

/// <summary>Captions, each with all its pictures, or latents of pictures, and their scores: the rows of a log with the same caption are one prompt.</summary>
/// <param name="path">The full path of a file of rows (docs/prompt-files.md); pictures and latents are relative to it, and lie in its folder.</param>
/// <param name="settings">Fields, verdicts, and what is left out.</param>
/// <param name="warn">Tells the user what is left out.</param>
public sealed class ScoredPictures(string path, ScoredSettings settings, Action<Fault>? warn = null) : IPromptSource
{
    // What is written behind the name of the latents' field.
    private const string TensorField = "_tensor", RowField = "_row";

    /// <inheritdoc/>
    /// <returns>
    /// At least one prompt, each with the full paths of its pictures, or files of latents, and as many scores; LA4010 for a file that is absent, one outside the folder or a row that is malformed, LA4027 for
    /// a score that is none, LA4028 when there is nothing to compare, LA4009 for bytes that are not UTF-8, LA4008 when there is no row.
    /// </returns>
    public Result<IReadOnlyList<Prompt>> Read()
    {
        List<SourcePlace> places = [];
        return PromptRows.Read(path, (row, id) =>
        {
            places.Add(row.Place);
            return Parse(row, id);
        }).Bind(rows => Grouped([.. rows.Zip(places, static (row, place) => new Row(row, place))]));
    }

    private Result<Prompt> Parse(PromptRow row, int id) =>
        from latents in row.TextIfAny(settings.Latents)
        from name in latents is null ? row.Text(settings.Picture) : Result.Ok(latents)
        from prompt in row.Prompt(id, settings.Key)
        from sample in latents is null ? Picture(row, name) : Latents(row, name)
        from score in Score(row)
        select prompt with { Pictures = [sample.Path], Latents = [sample.Stored], Scores = [score] };

    private Result<(string Path, StoredLatents? Stored)> Picture(PromptRow row, string name) =>
        PictureFiles.FindInside(name, Folder, row.Place with { Key = settings.Picture }).Map(static found => (found, (StoredLatents?)null));

    private Result<(string Path, StoredLatents? Stored)> Latents(PromptRow row, string name) =>
        from file in PictureFiles.FindLatentsInside(name, Folder, row.Place with { Key = settings.Latents })
        from tensor in row.TextIfAny(settings.Latents + TensorField)
        from index in row.IndexIfAny(settings.Latents + RowField)
        select (file, (StoredLatents?)new StoredLatents(tensor, index, row.Place with { Key = settings.Latents }));

    private string Folder => Path.GetDirectoryName(path)!;

    // Not a number where there is none, and that is allowed.
    private Result<double> Score(PromptRow row) => row.Number(settings.Score).Bind(found => (found, settings.Missing) switch
    {
        (null, MissingScore.LeaveOut) => double.NaN,
        (null, _) => BadScore(row, "there is no score; 'missing' of the prompts says whether such rows are left out"),
        ({ } score, _) => double.IsFinite(score) ? score : BadScore(row, "the score is not finite"),
    });

    private Result<double> BadScore(PromptRow row, string message) => new Fault.Input(FaultCodes.BadScore, message, row.Place with { Key = settings.Score });

    private Result<IReadOnlyList<Prompt>> Grouped(Row[] rows)
    {
        Row[] scored = [.. rows.Where(static row => !double.IsNaN(row.Score))];
        if (scored.Length == 0) return Nothing($"none of its {rows.Length} rows has a score", rows[0]);
        if (Alike(scored) is { } alike) return Nothing(alike, scored[0]);
        var values = settings.Threshold is { } threshold ? Array.ConvertAll(scored, row => row.Score >= threshold ? 1.0 : 0) : Standardised(scored);
        var captions = scored.Zip(values, static (row, value) => row with { Prompt = row.Prompt with { Scores = [value] } }).GroupBy(static row => row.Prompt.Text, StringComparer.Ordinal).Select(static rows => rows.ToArray()).ToArray();
        Row[][] kept = [.. captions.Where(IsCompared)];
        if (kept.Length == 0) return Nothing($"none of its {captions.Length} captions has {Wanted}", scored[0]);
        if (kept.Length < captions.Length || scored.Length < rows.Length) warn?.Invoke(LeftOut(rows, scored, captions, kept));
        return Result.Ok<IReadOnlyList<Prompt>>([.. kept.Select(static (caption, id) => caption[0].Prompt with
        {
            Id = id,
            Pictures = [.. caption.SelectMany(static row => row.Prompt.Pictures)],
            Latents = caption.All(static row => row.Prompt.Latents[0] is null) ? [] : [.. caption.SelectMany(static row => row.Prompt.Latents)],
            Scores = [.. caption.SelectMany(static row => row.Prompt.Scores)],
        })]);
    }

    private string Wanted => settings switch
    {
        { Threshold: not null } => "a picture that passed and one that failed",
        { Group: 1 } => "a picture",
        _ => $"{settings.Group} pictures",
    };

    private bool IsCompared(Row[] caption) => settings.Threshold is null
        ? caption.Length >= settings.Group
        : !settings.Pairs || caption.Select(static row => row.Score).Distinct().Count() == 2;

    // All the same, so that no picture is better than another.
    private string? Alike(Row[] scored)
    {
        if (settings.Threshold is not { } threshold)
            return scored.All(row => row.Score == scored[0].Score) ? FormattableString.Invariant($"all its {scored.Length} scores are {scored[0].Score:G6}") : null;
        return scored.Count(row => row.Score >= threshold) switch
        {
            0 => FormattableString.Invariant($"all its {scored.Length} scores are below the threshold, {threshold:G6}"),
            var passed when passed == scored.Length => FormattableString.Invariant($"none of its {scored.Length} scores is below the threshold, {threshold:G6}"),
            _ => null,
        };
    }

    private double[] Standardised(Row[] scored)
    {
        if (!settings.Standardise) return Array.ConvertAll(scored, static row => row.Score);
        // Against sums that overflow.
        var largest = scored.Max(static row => Math.Abs(row.Score));
        double[] scaled = Array.ConvertAll(scored, row => row.Score / largest);
        var mean = scaled.Average();
        var deviation = Math.Sqrt(scaled.Average(value => (value - mean) * (value - mean)));
        return Array.ConvertAll(scaled, value => (value - mean) / deviation);
    }

    private Fault LeftOut(Row[] rows, Row[] scored, Row[][] captions, Row[][] kept)
    {
        List<string> left = [];
        if (scored.Length < rows.Length) left.Add($"{rows.Length - scored.Length} of {rows.Length} rows, which have no score");
        if (kept.Length < captions.Length) left.Add($"{captions.Length - kept.Length} of {captions.Length} captions, which have not {Wanted} (the first is '{captions.First(caption => !IsCompared(caption))[0].Prompt.Text}')");
        var first = rows.First(row => double.IsNaN(row.Score) || !kept.Any(caption => caption[0].Prompt.Text == row.Prompt.Text));
        return new Fault.Input(FaultCodes.ScoredRowsLeftOut, $"left out are {string.Join(", and ", left)}", first.Place);
    }

    private static Result<IReadOnlyList<Prompt>> Nothing(string message, Row row) => new Fault.Input(FaultCodes.NothingToCompare, $"there is nothing to compare: {message}", row.Place);

    private sealed record Row(Prompt Prompt, SourcePlace Place)
    {
        public double Score => Prompt.Scores[0];
    }
}
