using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Rewards.LatentHead;

/// <summary>Settings of <c>latent-head</c>.</summary>
public sealed record LatentHeadSettings
{
    /// <summary>The file.</summary>
    [Description("The head: a safetensors file that 'leapalign fit' writes, relative to plugins.json. It says the model, the block, the noise levels and the reward that it was fitted to.")]
    [JsonRequired]
    [PathSetting(PathKind.File)]
    public required string Head { get; init; }

    /// <summary>The block.</summary>
    [Description("After how many blocks of the model's network the head looks. Null is a third of them where a head is fitted, and what its file says where it scores; a number has to be that of the file.")]
    [Range(1, 10_000)]
    public int? Blocks { get; init; }

    /// <summary>The width of the head.</summary>
    [Description("The width of the head. Null is 64 where a head is fitted, and what its file says where it scores; a number has to be that of the file.")]
    [Range(1, 4096)]
    public int? Width { get; init; }

    /// <summary>The learning rate of the fit.</summary>
    [Description("The learning rate at which a head is fitted, after the warm-up of a twentieth of the updates; it falls to 0 along a cosine.")]
    [Range(0, 1.0)]
    public double Rate { get; init; } = 2e-3;

    /// <summary>The weight decay of the fit.</summary>
    [Description("The weight decay with which a head is fitted.")]
    [Range(0, 100.0)]
    public double WeightDecay { get; init; } = 0.01;
}
