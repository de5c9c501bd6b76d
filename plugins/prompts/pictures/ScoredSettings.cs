using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Prompts.Pictures;

/// <summary>Settings of <c>scored</c>.</summary>
public sealed record ScoredSettings
{
    /// <summary>The file.</summary>
    [Description("The file, relative to plugins.json: .jsonl, .ndjson, .json, .csv, .tsv or .parquet with a caption ('prompt'), a picture ('file') or its latents ('latents'), and the score ('score') in each row. Pictures and latents lie in the folder of the file or below it.")]
    [JsonRequired]
    [PathSetting(PathKind.File)]
    public required string Path { get; init; }

    /// <summary>The field of the caption.</summary>
    [Description("The key or column that holds the caption. null takes 'prompt', 'caption' or 'text', whichever is there.")]
    public string? Key { get; init; }

    /// <summary>The field of the picture.</summary>
    [Description("The key or column that holds the path of the picture, relative to the file; 'picture' in what leapalign score --csv writes.")]
    public string Picture { get; init; } = "file";

    /// <summary>The field of the latents.</summary>
    [Description("The key or column that holds the path of a safetensors file with the latents of the picture, relative to the file; a row that has it needs no picture. Behind its name, '_tensor' holds the tensor's name where the file has several, '_row' which of its samples, from 0, where it has several.")]
    public string Latents { get; init; } = "latents";

    /// <summary>The field of the score.</summary>
    [Description("The key or column that holds the score; the name of a reward in what leapalign score --csv writes.")]
    public string Score { get; init; } = "score";

    /// <summary>From which score on a picture passed.</summary>
    [Description("The score from which on a picture passed: scores become verdicts, 1 or 0. null keeps them as scores.")]
    public double? Threshold { get; init; }

    /// <summary>Whether captions need both verdicts.</summary>
    [Description("With a threshold: whether captions without both verdicts are left out, since there is no pair of them.")]
    public bool Pairs { get; init; } = true;

    /// <summary>Whether scores are standardised.</summary>
    [Description("Without a threshold: whether scores have mean 0 and deviation 1 over the file, as algorithms expect them.")]
    public bool Standardise { get; init; } = true;

    /// <summary>The least number of pictures of a caption.</summary>
    [Description("Without a threshold: how many scored pictures a caption has at least; captions with fewer are left out.")]
    [Range(1, 1_000_000)]
    public int Group { get; init; } = 2;

    /// <summary>What a row without a score is.</summary>
    [Description("A row whose score is empty, null or not a number: fail, or leave-out. A verdict that could not be had is no verdict.")]
    public MissingScore Missing { get; init; }
}

/// <summary>What a row without a score is.</summary>
public enum MissingScore
{
    /// <summary>A fault.</summary>
    [JsonStringEnumMemberName("fail")]
    Fail,

    /// <summary>No row.</summary>
    [JsonStringEnumMemberName("leave-out")]
    LeaveOut,
}
