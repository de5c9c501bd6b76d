using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Adapters.Lora;

/// <summary>Settings of <c>lora</c>.</summary>
public sealed record LoraSettings
{
    /// <summary>How wide the narrow side is.</summary>
    [Description("The rank of the factors, at most the smaller width of a layer. Layers that are read from a file keep the file's.")]
    [Range(1, 65536)]
    public int Rank { get; init; } = 64;

    /// <summary>The numerator of the scale.</summary>
    [Description("The update of a layer is alpha/rank · B A. Layers that are read from a file keep the file's.")]
    [Range(1e-6, 1e6)]
    public double Alpha { get; init; } = 128;

    /// <summary>The layers.</summary>
    [Description("Which linear layers get factors: attention, feed-forward, modulation, embedding, or the end of a layer's path such as attn.to_q, where * stands for any characters. null takes attention and feed-forward, or, where factors are read from a file, the layers of the file.")]
    public IReadOnlyList<string>? Targets { get; init; }

    /// <summary>Where training goes on from.</summary>
    [Description("Factors to go on from, relative to plugins.json: a safetensors file, or a folder of diffusers or PEFT. null begins with a gaussian A and a B of zeros, which change nothing.")]
    [PathSetting(PathKind.File)]
    public string? From { get; init; }
}
