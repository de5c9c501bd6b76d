using System.ComponentModel;
using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Prompts.File;

/// <summary>Settings of <c>file</c>.</summary>
public sealed record FileSettings
{
    /// <summary>The file.</summary>
    [Description("The prompt file, relative to plugins.json. .txt: one caption a line; .json: a list of captions or objects; .jsonl, .ndjson: one object a line (GenEval's metadata, for instance); .csv, .tsv: a table with a header. See docs/prompt-files.md.")]
    [JsonRequired]
    [PathSetting(PathKind.File)]
    public required string Path { get; init; }

    /// <summary>The field of the caption.</summary>
    [Description("The key or column that holds the caption. null takes 'prompt', 'caption' or 'text', whichever is there.")]
    public string? Key { get; init; }
}
