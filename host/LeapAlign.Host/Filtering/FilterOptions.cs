namespace LeapAlign.Host.Filtering;

/// <summary>Options of <c>filter</c>.</summary>
/// <param name="Rows">A file of pictures with captions, as the user named it.</param>
internal sealed record FilterOptions(string Rows)
{
    /// <summary>The option of <see cref="Clean"/>.</summary>
    public const string CleanOption = "--clean";

    /// <summary>The option of <see cref="Threshold"/>.</summary>
    public const string ThresholdOption = "--threshold";

    /// <summary>The option of <see cref="Out"/>.</summary>
    public const string OutOption = "--out";

    /// <summary>The option of <see cref="Replaces"/>.</summary>
    public const string ReplaceOption = "--replace";

    /// <summary>A file of pictures with captions that are known to be right; null where the threshold is given.</summary>
    public string? Clean { get; init; }

    /// <summary>The percentile of the scores of clean rows that is the threshold.</summary>
    public double Percentile { get; init; } = 90;

    /// <summary>The score below which a row is kept; null where clean rows say it.</summary>
    public double? Threshold { get; init; }

    /// <summary>The largest share of the rows that is kept.</summary>
    public double AtMost { get; init; } = 1;

    /// <summary>Whether quarter turns are tried.</summary>
    public bool Turns { get; init; }

    /// <summary>Whether mirrored pictures are tried.</summary>
    public bool Flips { get; init; }

    /// <summary>Captions that are tried beside that of each row.</summary>
    public IReadOnlyList<string> Captions { get; init; } = [];

    /// <summary>Whether the captions of all rows are tried with each picture.</summary>
    public bool AllCaptions { get; init; }

    /// <summary>Whether the error without a caption is subtracted.</summary>
    public bool Relative { get; init; }

    /// <summary>Noise levels, each with its noise, that all pictures share.</summary>
    public int Draws { get; init; } = 16;

    /// <summary>The seed of the noise.</summary>
    public long Seed { get; init; }

    /// <summary>The folder that kept rows are written to; null for none.</summary>
    public string? Out { get; init; }

    /// <summary>Whether the clean rows stand before those that are kept.</summary>
    public bool WithClean { get; init; }

    /// <summary>Where all rows go as JSON; null for nowhere.</summary>
    public string? Json { get; init; }

    /// <summary>Whether a folder that is there is replaced.</summary>
    public bool Replaces { get; init; }
}
