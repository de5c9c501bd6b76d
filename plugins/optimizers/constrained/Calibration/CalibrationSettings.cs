using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Contracts.Solvers;

namespace LeapAlign.Optimizers.Constrained.Calibration;

/// <summary>Settings of <c>constrained-newton</c>.</summary>
public sealed record CalibrationSettings
{
    /// <summary>Rewards that stay.</summary>
    [Description("Names of trained rewards whose mean loss stays what it was at the scales that the first step began with: equalities. The sum of the other trained rewards, by their weights, is what is raised.")]
    [JsonRequired]
    [MinLength(1)]
    public IReadOnlyList<string> Equal { get; init; } = [];

    /// <summary>Groups.</summary>
    [Description("Names of trained tensors that share one scale, with * for any letters: each pattern is a scale, and what no pattern names keeps its own. Empty for one scale for each block, by the first number in a name. For an adapter, name one of the two factors alone: both at once scale by the square.")]
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>‖(∇L, c)‖.</summary>
    [Description("The length of gradient and equalities together at which a step ends.")]
    [Range(0, 1e6, MinimumIsExclusive = true)]
    public double Tolerance { get; init; } = 1e-4;

    /// <summary>The most Newton steps.</summary>
    [Description("The most Newton steps of one update of the run; those that do not come to the tolerance are a fault.")]
    [Range(1, 10_000)]
    public int Steps { get; init; } = 30;

    /// <summary>The reach of differences.</summary>
    [Description("How far scales are moved to take differences of gradients, for second derivatives.")]
    [Range(0, 1.0, MinimumIsExclusive = true)]
    public double Reach { get; init; } = 1e-2;

    /// <summary>ρ/2 ‖s − s_0‖².</summary>
    [Description("Pulls scales to where they began, by half of it times the squared distance: a reward that grows for ever with its scale has no minimum without it.")]
    [Range(0, 1e6)]
    public double Pull { get; init; } = 0.1;

    /// <summary>How linear systems are solved.</summary>
    [Description("How the linear systems of steps are solved: exact, or by sketches to an accuracy that adapts, kaczmarz (random rows) or gaussian (random mixtures of rows).")]
    public SystemKind Solver { get; init; }

    /// <summary>The seed of sketches.</summary>
    [Description("The seed of sketches.")]
    [Range(0, long.MaxValue)]
    public long Seed { get; init; }

    internal ConstrainedForm Form(int update) => new()
    {
        Sketch = Solver switch
        {
            SystemKind.Kaczmarz => SystemSketch.Kaczmarz,
            SystemKind.Gaussian => SystemSketch.Gaussian,
            _ => SystemSketch.Exact,
        },
        Random = Contracts.Randomness.RandomKey.OfRun(Seed).For("calibration", update),
        Tolerance = Tolerance,
        Most = Steps,
    };
}

/// <summary>How linear systems are solved.</summary>
public enum SystemKind
{
    /// <summary>At once.</summary>
    [JsonStringEnumMemberName("exact")]
    Exact,

    /// <summary>By random rows.</summary>
    [JsonStringEnumMemberName("kaczmarz")]
    Kaczmarz,

    /// <summary>By random mixtures of rows.</summary>
    [JsonStringEnumMemberName("gaussian")]
    Gaussian,
}
