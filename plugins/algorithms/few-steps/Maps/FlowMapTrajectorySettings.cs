using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Algorithms.FewSteps.Pairs;

namespace LeapAlign.Algorithms.FewSteps.Maps;

/// <summary>Settings of <c>flow-map-trajectory</c>.</summary>
public sealed record FlowMapTrajectorySettings : PairSettings
{
    /// <summary>Defaults of its own: differences of neighbouring states have few digits in bf16.</summary>
    public FlowMapTrajectorySettings() => Precision = PairPrecision.Float32;

    /// <summary>Euler steps in each step of the sampler.</summary>
    [Description("Euler steps that the first policy takes in each step of the sampler's grid: the map learns what they reach, so that more of them make a better one, and a rollout costs the sampler's steps times these.")]
    [Range(1, 100)]
    public int Substeps { get; init; } = 6;

    /// <summary>T.</summary>
    [Description("Jumps of its rollout that each sample is trained on in a step.")]
    [Range(1, 1000)]
    public int Jumps { get; init; } = 1;
}
