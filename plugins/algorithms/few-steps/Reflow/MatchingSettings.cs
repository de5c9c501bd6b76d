using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Algorithms.FewSteps.Pairs;

namespace LeapAlign.Algorithms.FewSteps.Reflow;

/// <summary>The settings of flow matching on pairs.</summary>
public abstract record MatchingSettings : PairSettings
{
    /// <summary>T.</summary>
    [Description("Noise levels at which each sample is trained in a step.")]
    [Range(1, 1000)]
    public int Timesteps { get; init; } = 1;

    /// <summary>Steps between measurements of the straightness.</summary>
    [Description("Steps between measurements of how straight the trained flow is (straightness: 0 is straight), each a rollout of the step's samples; 0 never measures.")]
    [Range(0, 1_000_000_000)]
    public int StraightnessEvery { get; init; } = 50;

    /// <summary>σ of a quantile of the method's distribution of noise levels.</summary>
    /// <param name="quantile">In [0, 1).</param>
    internal abstract double Level(double quantile);
}
