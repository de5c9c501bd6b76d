using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
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

    /// <summary>Adapters that samples may wear.</summary>
    [Description("Adapters beside the one that is trained: candidates for an algorithm that picks among them (dro-em). They stay as they are, change nothing until they are picked, and are in no export.")]
    public IReadOnlyList<LoraCandidate> Candidates { get; init; } = [];
}

/// <summary>An adapter that samples may wear.</summary>
public sealed record LoraCandidate
{
    /// <summary>What it is called.</summary>
    [Description("What algorithms call it; each once.")]
    [JsonRequired]
    [MinLength(1)]
    public required string Name { get; init; }

    /// <summary>Where its factors are.</summary>
    [Description("Its factors, relative to plugins.json: a safetensors file, or a folder of diffusers or PEFT, on whichever layers.")]
    [JsonRequired]
    [PathSetting(PathKind.File)]
    public required string From { get; init; }

    /// <summary>What its update is multiplied by.</summary>
    [Description("What its update is multiplied by where it is picked, beside its own alpha over rank.")]
    [Range(-100, 100)]
    public double Scale { get; init; } = 1;
}
