using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Networks.Clip;

namespace LeapAlign.Rewards.Clip;

/// <summary>Settings of <c>clip-score</c>.</summary>
public sealed record ClipScoreSettings
{
    /// <summary>The model folder.</summary>
    [Description("The model: a CLIP folder as transformers or open_clip writes it, with its tokenizer, relative to plugins.json.")]
    [JsonRequired]
    [PathSetting(PathKind.Folder)]
    public required string Model { get; init; }

    /// <summary>Whether a negative score counts as 0.</summary>
    [Description("Whether a negative score counts as 0, as published CLIP scores do. A picture whose score is 0 has no gradient then.")]
    public bool ClipAtZero { get; init; }

    /// <summary>How pictures are resized.</summary>
    [Description(ResizeWords.Description)]
    public PictureResize Resize { get; init; } = PictureResize.Tensor;

    /// <summary>Captions whose features are kept.</summary>
    [Description("Captions whose text features are kept; those that were used longest ago are dropped. 0 keeps none.")]
    [Range(0, 1_000_000)]
    public int TextCache { get; init; } = 4096;

    /// <summary>Where text features are kept between runs.</summary>
    [Description(TextWords.Folder)]
    public string? TextFolder { get; init; }
}

/// <summary>Settings of <c>pickscore</c>.</summary>
public sealed record PickScoreSettings
{
    /// <summary>The model folder.</summary>
    [Description("The model: the folder of PickScore_v1 as transformers writes it, with its tokenizer, relative to plugins.json.")]
    [JsonRequired]
    [PathSetting(PathKind.Folder)]
    public required string Model { get; init; }

    /// <summary>How pictures are resized.</summary>
    [Description(ResizeWords.Description)]
    public PictureResize Resize { get; init; } = PictureResize.Tensor;

    /// <summary>Captions whose features are kept.</summary>
    [Description("Captions whose text features are kept; those that were used longest ago are dropped. 0 keeps none.")]
    [Range(0, 1_000_000)]
    public int TextCache { get; init; } = 4096;

    /// <summary>Where text features are kept between runs.</summary>
    [Description(TextWords.Folder)]
    public string? TextFolder { get; init; }
}

/// <summary>Settings of <c>hps</c>.</summary>
public sealed record HpsSettings
{
    /// <summary>The model folder.</summary>
    [Description("The model: a CLIP ViT-H/14 folder with the weights of HPSv2.1, as open_clip (open_clip_config.json, open_clip_model.safetensors, vocab.json, merges.txt) or transformers writes it, relative to plugins.json.")]
    [JsonRequired]
    [PathSetting(PathKind.Folder)]
    public required string Model { get; init; }

    /// <summary>Captions whose features are kept.</summary>
    [Description("Captions whose text features are kept; those that were used longest ago are dropped. 0 keeps none.")]
    [Range(0, 1_000_000)]
    public int TextCache { get; init; } = 4096;

    /// <summary>Where text features are kept between runs.</summary>
    [Description(TextWords.Folder)]
    public string? TextFolder { get; init; }
}

/// <summary>Settings of <c>aesthetic</c>.</summary>
public sealed record AestheticSettings
{
    /// <summary>The model folder.</summary>
    [Description("The model: the folder of CLIP ViT-L/14 as transformers writes it, relative to plugins.json.")]
    [JsonRequired]
    [PathSetting(PathKind.Folder)]
    public required string Model { get; init; }

    /// <summary>The head.</summary>
    [Description("The head: sac+logos+ava1-l14-linearMSE.safetensors, or another with tensors layers.N.weight and layers.N.bias, relative to plugins.json.")]
    [JsonRequired]
    [PathSetting(PathKind.File)]
    public required string Head { get; init; }

    /// <summary>How pictures are resized.</summary>
    [Description(ResizeWords.Description)]
    public PictureResize Resize { get; init; } = PictureResize.Tensor;
}

/// <summary>How pictures are resized before a model looks at them.</summary>
public enum PictureResize
{
    /// <summary>In floating point.</summary>
    [JsonStringEnumMemberName("tensor")]
    Tensor,

    /// <summary>With rounding to 8 bits after each axis, as the Python Imaging Library does.</summary>
    [JsonStringEnumMemberName("pil")]
    Pil,
}

internal static class TextWords
{
    public const string Folder = "A folder in which text features are kept between runs, relative to plugins.json; they are found by the content of the model's files. Null keeps none.";
}

internal static class ResizeWords
{
    public const string Description = "How pictures are resized: tensor (in floating point, the differentiable path of published trainers) or pil (rounded to 8 bits after each axis, as published scores of files are; the gradient is that of tensor).";

    /// <summary>The preprocessing with this way of resizing.</summary>
    public static ClipImageProcessor Of(this PictureResize resize, ClipImageProcessor pictures) => pictures with { EightBit = resize == PictureResize.Pil };
}
