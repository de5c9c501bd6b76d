using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace LeapAlign.Algorithms.Drafts;

/// <summary>Settings of <c>draft-tvd</c>.</summary>
public sealed record DraftTvdSettings
{
    /// <summary>Which gradient.</summary>
    [Description("The gradient of the total variation: closed (the formula of two normal distributions) or sampled (TVD++: a policy gradient on steps that the drafter draws, one more evaluation without gradient for each trained step).")]
    public DraftLoss Loss { get; init; }

    /// <summary>T.</summary>
    [Description("Trained steps T of each rollout, drawn for each micro-batch among the steps with noise.")]
    [Range(1, 1000)]
    public int Timesteps { get; init; } = 4;

    /// <summary>The side of a token.</summary>
    [Description("The side of a token in latents, whose variation is one term of the loss: 2 with 16 channels is 64 dimensions. 0 takes the whole sample, which has a gradient only where drafts are accepted already.")]
    [Range(0, 64)]
    public int Token { get; init; } = 2;
}

/// <summary>The gradient of the total variation.</summary>
public enum DraftLoss
{
    /// <summary>Of the closed form.</summary>
    [JsonStringEnumMemberName("closed")]
    Closed,

    /// <summary>From samples, TVD++.</summary>
    [JsonStringEnumMemberName("sampled")]
    Sampled,
}
