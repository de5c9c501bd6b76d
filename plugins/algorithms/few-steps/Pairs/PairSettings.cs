using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FewSteps.Pairs;

/// <summary>The settings of methods that learn from pairs of noise and the sample that the first policy makes of it.</summary>
public abstract record PairSettings
{
    /// <summary>Where pairs are kept.</summary>
    [Description("The folder that pairs are kept in, relative to plugins.json: a store, or a folder of stores, in which each has a folder that is named by its content. Pairs that are there are not made again. null takes the folder pairs beside that of the run.")]
    [MinLength(1)]
    public string? Store { get; init; }

    /// <summary>P.</summary>
    [Description("Pairs P of each caption; a sample takes one of them at random.")]
    [Range(1, 100_000_000)]
    public int Pairs { get; init; } = 4;

    /// <summary>m.</summary>
    [Description("Pairs of a caption that are made together, in one rollout of as many samples and one file; P is a multiple of it.")]
    [Range(1, 1_000_000)]
    public int Together { get; init; } = 4;

    /// <summary>The seed of their noise.</summary>
    [Description("The seed of the noise of pairs, whatever that of the run is.")]
    [Range(0, long.MaxValue)]
    public long Seed { get; init; }

    /// <summary>How exactly samples are kept.</summary>
    [Description("How samples are kept on the disk: bfloat16 (two bytes for each number of the latents) or float32.")]
    public PairPrecision Precision { get; init; }

    /// <summary>Whether pairs are made that are not there.</summary>
    [Description("Whether pairs that are not in the store are made, which needs run.reference: the policy that training started from makes them. Otherwise a pair that is not there ends the run.")]
    public bool Make { get; init; } = true;
}

/// <summary>How samples are kept.</summary>
public enum PairPrecision
{
    /// <summary>Two bytes.</summary>
    [JsonStringEnumMemberName("bfloat16")]
    BFloat16,

    /// <summary>Four bytes.</summary>
    [JsonStringEnumMemberName("float32")]
    Float32,
}

internal static class PairPrecisions
{
    /// <summary>The type of the tensors.</summary>
    public static ScalarType Type(this PairPrecision precision) => precision == PairPrecision.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32;
}
