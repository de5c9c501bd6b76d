using System.ComponentModel;
using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Prompts.Pictures;

/// <summary>Settings of <c>pictures</c>.</summary>
public sealed record PicturesSettings
{
    /// <summary>The folder.</summary>
    [Description("The folder of pictures (.png, .jpg, .jpeg, .webp), relative to plugins.json. With a metadata.jsonl or metadata.csv, its rows name the pictures ('file_name') and their captions; without, each picture has its caption in a .txt of the same name.")]
    [JsonRequired]
    [PathSetting(PathKind.Folder)]
    public required string Folder { get; init; }

    /// <summary>The field of the caption.</summary>
    [Description("The key or column of the metadata that holds the caption. null takes 'prompt', 'caption' or 'text', whichever is there.")]
    public string? Key { get; init; }
}

/// <summary>Settings of <c>captioned-pictures</c>.</summary>
public sealed record CaptionedPicturesSettings
{
    /// <summary>The file.</summary>
    [Description("The file, relative to plugins.json: .jsonl, .ndjson, .json, .csv or .tsv with a caption ('prompt') and its picture ('file') in each row, a path relative to the file.")]
    [JsonRequired]
    [PathSetting(PathKind.File)]
    public required string Captions { get; init; }

    /// <summary>The field of the caption.</summary>
    [Description("The key or column that holds the caption. null takes 'prompt', 'caption' or 'text', whichever is there.")]
    public string? Key { get; init; }
}

/// <summary>Settings of <c>preferences</c>.</summary>
public sealed record PreferencesSettings
{
    /// <summary>The file.</summary>
    [Description("The file, relative to plugins.json: .jsonl, .ndjson, .json, .csv or .tsv with a caption ('prompt'), 'preferred' and 'rejected' in each row, the last two being paths of pictures relative to the file.")]
    [JsonRequired]
    [PathSetting(PathKind.File)]
    public required string Path { get; init; }

    /// <summary>The field of the caption.</summary>
    [Description("The key or column that holds the caption. null takes 'prompt', 'caption' or 'text', whichever is there.")]
    public string? Key { get; init; }
}
