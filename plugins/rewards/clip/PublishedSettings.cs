using System.ComponentModel;
using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Networks.Images;

namespace LeapAlign.Rewards.Clip;

/// <summary>Settings of <c>clip-score</c>.</summary>
public sealed record ClipScoreSettings : CaptionSettings
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
    [Description(PictureResizing.Description)]
    public PictureResize Resize { get; init; } = PictureResize.Tensor;
}

/// <summary>Settings of <c>pickscore</c>.</summary>
public sealed record PickScoreSettings : CaptionSettings
{
    /// <summary>The model folder.</summary>
    [Description("The model: the folder of PickScore_v1 as transformers writes it, with its tokenizer, relative to plugins.json.")]
    [JsonRequired]
    [PathSetting(PathKind.Folder)]
    public required string Model { get; init; }

    /// <summary>How pictures are resized.</summary>
    [Description(PictureResizing.Description)]
    public PictureResize Resize { get; init; } = PictureResize.Tensor;
}

/// <summary>Settings of <c>hps</c>.</summary>
public sealed record HpsSettings : CaptionSettings
{
    /// <summary>The model folder.</summary>
    [Description("The model: a CLIP ViT-H/14 folder with the weights of HPSv2.1, as open_clip (open_clip_config.json, open_clip_model.safetensors, vocab.json, merges.txt) or transformers writes it, relative to plugins.json.")]
    [JsonRequired]
    [PathSetting(PathKind.Folder)]
    public required string Model { get; init; }
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
    [Description(PictureResizing.Description)]
    public PictureResize Resize { get; init; } = PictureResize.Tensor;
}
