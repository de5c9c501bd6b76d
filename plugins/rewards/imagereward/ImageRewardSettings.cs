using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Networks.Images;

namespace LeapAlign.Rewards.ImageReward;

/// <summary>Settings of <c>imagereward</c>.</summary>
public sealed record ImageRewardSettings
{
    /// <summary>The model folder.</summary>
    [Description("The model: a folder with ImageReward.safetensors, med_config.json as published, and vocab.txt of bert-base-uncased, relative to plugins.json; vision_config.json where the image tower is not ViT-L/16 at 224.")]
    [JsonRequired]
    [PathSetting(PathKind.Folder)]
    public required string Model { get; init; }

    /// <summary>Tokens of a caption.</summary>
    [Description("Tokens that a caption has at most, the first and the last included; what is longer is cut, with a warning. 35 as published.")]
    [Range(2, 512)]
    public int TextLength { get; init; } = 35;

    /// <summary>How pictures are resized.</summary>
    [Description(PictureResizing.Description)]
    public PictureResize Resize { get; init; } = PictureResize.Tensor;
}
