using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Pipelines;

namespace LeapAlign.Models.Sd3;

/// <summary>Settings of <c>sd3</c>.</summary>
public sealed record Sd3Settings : PipelineSettings
{
    /// <summary>The model folder.</summary>
    [Description("The model: a StableDiffusion3Pipeline folder as diffusers writes it, relative to plugins.json.")]
    [JsonRequired]
    [PathSetting(PathKind.Folder)]
    public required string Folder { get; init; }

    /// <summary>Tokens of the T5 encoder.</summary>
    [Description("Tokens of the T5 encoder; fewer when its tokenizer says so. Longer captions are cut.")]
    [Range(1, 512)]
    public int TextLength { get; init; } = 256;

    /// <summary>The precision of the text encoders.</summary>
    [Description("The precision of the three text encoders. file takes that of each encoder's files where it is bfloat16, and float32 elsewhere; run takes that of the run. Their weights stay on the disk, and are converted at each use where the files have another precision.")]
    [AllowedValues("file", "float32", "run")]
    public string TextDtype { get; init; } = "file";
}
