using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace LeapAlign.Optimizers.Constrained.LvHba;

/// <summary>Settings of <c>lv-hba</c>.</summary>
public sealed record LvHbaSettings
{
    /// <summary>Rewards of the upper score.</summary>
    [Description("Names of trained rewards that judge: their sum, by their weights of plugins.json, is what the weights of the other trained rewards are learnt for. They are scored on a second draw of each step, whose gradient counts 1/c, and are in no other loss.")]
    [JsonRequired]
    [MinLength(1)]
    public IReadOnlyList<string> Upper { get; init; } = [];

    /// <summary>The objective that must keep a budget.</summary>
    [Description("The name of the objective whose loss, times its weight, must keep the budget, such as kl; null for no constraint. Other objectives stay losses.")]
    public string? Constraint { get; init; }

    /// <summary>The budget.</summary>
    [Description("What the constraint's loss may be.")]
    [Range(0, 1e12, MinimumIsExclusive = true)]
    public double Budget { get; init; } = 0.01;

    /// <summary>How a step is put back.</summary>
    [Description("How a step is put back onto the budget: radial (towards where training began, along which a divergence from there is a quadratic whose size is measured; for kl) or linear (to the nearest place where the gradient at the last weights says it is kept; for constraints that do not grow from there, and batches that are alike).")]
    public BudgetProjection Projection { get; init; }

    /// <summary>Decay of h.</summary>
    [Description("Decay of the mean of that size over steps.")]
    [Range(0, 1.0, MaximumIsExclusive = true)]
    public double CurvatureDecay { get; init; } = 0.9;

    /// <summary>α of y.</summary>
    [Description("The rate of what is trained; with metric rms it is one of AdamW's.")]
    [Range(0, 1e6, MinimumIsExclusive = true)]
    public double Rate { get; init; } = 5e-5;

    /// <summary>α of x.</summary>
    [Description("The rate of the weights of rewards, whose sum stays what plugins.json says; 0 leaves them as they are there.")]
    [Range(0, 1e6)]
    public double WeightRate { get; init; } = 0.1;

    /// <summary>η.</summary>
    [Description("The rate of the copy that solves for the lower problem; null for that of what is trained.")]
    [Range(0, 1e6, MinimumIsExclusive = true)]
    public double? LowerRate { get; init; }

    /// <summary>η of λ.</summary>
    [Description("The rate of the constraint's multiplier, which acts on that copy. Descent and ascent are stable for small rates alone.")]
    [Range(0, 1e6)]
    public double MultiplierRate { get; init; } = 0.1;

    /// <summary>γ1.</summary>
    [Description("How far that copy may be from what is trained: it is pulled back by its distance over this number, at each step by lowerRate / proximity of it. Null for 20 lowerRate.")]
    [Range(0, 1e12, MinimumIsExclusive = true)]
    public double? Proximity { get; init; }

    /// <summary>γ2 and β.</summary>
    [Description("The same of the multiplier and its centre, which follows it.")]
    [Range(0, 1e12, MinimumIsExclusive = true)]
    public double MultiplierProximity { get; init; } = 2;

    /// <summary>β.</summary>
    [Description("The rate of that centre.")]
    [Range(0, 1e6)]
    public double CentreRate { get; init; } = 0.05;

    /// <summary>c0.</summary>
    [Description("c of the first step: the upper score counts 1/c beside the lower problem.")]
    [Range(0, 1e12, MinimumIsExclusive = true)]
    public double Penalty { get; init; } = 1;

    /// <summary>p.</summary>
    [Description("c grows as its step to this power, below 1/2.")]
    [Range(0, 0.5, MaximumIsExclusive = true)]
    public double PenaltyPower { get; init; } = 0.3;

    /// <summary>r.</summary>
    [Description("The largest multiplier.")]
    [Range(0, 1e12, MinimumIsExclusive = true)]
    public double Bound { get; init; } = 1000;

    /// <summary>What steps are measured in.</summary>
    [Description("What steps go along: rms (the mean of gradients, each number in the root of its second moment, as Adam does; not the paper's) or euclidean (the gradient).")]
    public StepMetric Metric { get; init; }

    /// <summary>β1.</summary>
    [Description("Decay of that mean.")]
    [Range(0, 1.0, MaximumIsExclusive = true)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>β2.</summary>
    [Description("Decay of that second moment.")]
    [Range(0, 1.0, MaximumIsExclusive = true)]
    public double Beta2 { get; init; } = 0.999;

    /// <summary>ε.</summary>
    [Description("Added to its root.")]
    [Range(0, 1.0, MinimumIsExclusive = true)]
    public double Eps { get; init; } = 1e-8;
}

/// <summary>How a step is put back onto the budget.</summary>
public enum BudgetProjection
{
    /// <summary>Towards where training began.</summary>
    [JsonStringEnumMemberName("radial")]
    Radial,

    /// <summary>Onto the linear model of the constraint.</summary>
    [JsonStringEnumMemberName("linear")]
    Linear,
}

/// <summary>What steps are measured in.</summary>
public enum StepMetric
{
    /// <summary>The root of the second moment of the lower gradient.</summary>
    [JsonStringEnumMemberName("rms")]
    Rms,

    /// <summary>Numbers as they are.</summary>
    [JsonStringEnumMemberName("euclidean")]
    Euclidean,
}
