using System.ComponentModel;
using System.Text.Json.Serialization;

namespace LeapAlign.Prompts.Pictures;

/// <summary>Settings of <c>pictures</c>.</summary>
public sealed record PicturesSettings
{
    /// <summary>The folder.</summary>
    [Description("The folder of pictures (.png, .jpg, .jpeg, .webp), relative to plugins.json. With a metadata.jsonl, its lines name the pictures ('file_name') and their captions ('text' or 'prompt'); without, each picture has its caption in a .txt of the same name.")]
    [JsonRequired]
    public required string Folder { get; init; }
}

/// <summary>Settings of <c>preferences</c>.</summary>
public sealed record PreferencesSettings
{
    /// <summary>The file.</summary>
    [Description("The .jsonl file, relative to plugins.json: one object a line with 'prompt', 'preferred' and 'rejected', the last two being paths of pictures relative to the file.")]
    [JsonRequired]
    public required string Path { get; init; }
}
