using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Methods.Leaps;

namespace LeapAlign.Algorithms.FlowBp.Bridge;

/// <summary>Settings of <c>flowbp-bridge</c>. The defaults are those published for SD3.5. Of the anchors that are drawn only j is used.</summary>
public sealed record BridgeSettings : LeapPairSettings
{
    /// <summary>K.</summary>
    [Description("Active steps K, shared out between the steps before j and those from j on: how many steps of the sampling path carry gradient; each is kept in memory until the backward.")]
    [Range(2, 1000)]
    public int ActiveSteps { get; init; } = 5;

    /// <summary>β.</summary>
    [Description("How strongly late steps are preferred: the i-th step of each segment is drawn with a probability proportional to i^lateBias; 0 is uniform.")]
    [Range(-20, 20)]
    public double LateBias { get; init; } = 4;

    /// <summary>s.</summary>
    [Description("How far the gradient of the active steps makes up for the others: 0 not at all, 1 until their weights amount to those of the whole window.")]
    [Range(0, 1)]
    public double GradientRescale { get; init; }

    /// <summary>α.</summary>
    [Description("Gradient discount α of the network's input at j: 1 keeps the nested gradient whole, 0 drops it.")]
    [Range(0, 1)]
    public double Alpha { get; init; } = 0.5;

    /// <summary>Evaluates twice.</summary>
    [Description("Evaluates active steps once more after a rollout without gradient, as published, instead of recording them during the rollout. The gradient is the same, the cost higher.")]
    public bool Reforward { get; init; }
}
