using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Methods.Groups;

namespace LeapAlign.Algorithms.Grpo;

/// <summary>Settings of <c>flow-grpo</c>; the defaults are those of its published code.</summary>
public sealed record FlowGrpoSettings : GrpoSettings
{
    /// <summary>Whether the last step is random, too.</summary>
    [Description("Whether the last step is random as well; it is never trained, because its density is too narrow.")]
    public bool NoisyLastStep { get; init; } = true;
}

/// <summary>Settings of <c>flow-grpo-fast</c>; the defaults are those of its published code.</summary>
public sealed record FlowGrpoFastSettings : GrpoSettings
{
    /// <summary>The published clip range.</summary>
    public FlowGrpoFastSettings() => Clip = 1e-5;

    /// <summary>W.</summary>
    [Description("W: how many steps in a row are random and trained; 0 takes all but the last.")]
    [Range(0, 1000)]
    public int Window { get; init; } = 3;

    /// <summary>Where the window may begin.</summary>
    [Description("The first step that the window may hold.")]
    [Range(0, 1000)]
    public int WindowFrom { get; init; }

    /// <summary>Where the window ends at the latest.</summary>
    [Description("The step before which the window ends; null is half of the schedule, where log-probabilities are best, or as much as the window needs.")]
    [Range(1, 1000)]
    public int? WindowTo { get; init; }
}

/// <summary>Settings of <c>mix-grpo</c>; the defaults are those of its paper.</summary>
public sealed record MixGrpoSettings : GrpoSettings
{
    /// <summary>The published choices.</summary>
    public MixGrpoSettings()
    {
        SharedNoise = true;
        AdvantageDeviation = DeviationScope.Group;
        Aggregation = RewardAggregation.PerReward;
        UnbiasedDeviation = true;
        DeviationFloor = 1e-8;
    }

    /// <summary>W.</summary>
    [Description("W: how many steps in a row are random and trained.")]
    [Range(1, 1000)]
    public int Window { get; init; } = 4;

    /// <summary>How the window moves.</summary>
    [Description("How the window moves: progressive (from noise to data and back to the beginning), random (anew each step of the run).")]
    public WindowOrder Order { get; init; } = WindowOrder.Progressive;

    /// <summary>Steps between moves.</summary>
    [Description("Steps of the run after which a progressive window moves on.")]
    [Range(1, 1_000_000)]
    public int StepsPerMove { get; init; } = 25;

    /// <summary>How far it moves.</summary>
    [Description("How many sampling steps a progressive window moves at a time; 0 leaves it at the beginning.")]
    [Range(0, 1000)]
    public int Move { get; init; } = 1;
}

/// <summary>How a window moves.</summary>
public enum WindowOrder
{
    /// <summary>On by some steps after a while.</summary>
    [JsonStringEnumMemberName("progressive")]
    Progressive,

    /// <summary>Anywhere, each time.</summary>
    [JsonStringEnumMemberName("random")]
    Random,
}

/// <summary>Settings of <c>dance-grpo</c>; the defaults are those of its published code.</summary>
public sealed record DanceGrpoSettings : GrpoSettings
{
    /// <summary>The published choices.</summary>
    public DanceGrpoSettings()
    {
        SharedNoise = true;
        AdvantageDeviation = DeviationScope.Group;
        UnbiasedDeviation = true;
        DeviationFloor = 1e-8;
    }

    /// <summary>The share of steps that is trained.</summary>
    [Description("The share of all steps but the last that is trained, in random order.")]
    [Range(0.001, 1)]
    public double TrainedShare { get; init; } = 0.6;
}

/// <summary>Settings of <c>grpo-guard</c>; the defaults are those of its published code.</summary>
public sealed record GrpoGuardSettings : GrpoSettings
{
    /// <summary>The published choices.</summary>
    public GrpoGuardSettings()
    {
        Clip = 2e-6;
        AdvantageDeviation = DeviationScope.Group;
    }

    /// <summary>Whether a step's loss is divided by its length.</summary>
    [Description("Whether the loss of a step is divided by the length of the step in sigma, so that each step's gradient has the same scale.")]
    public bool Reweight { get; init; } = true;

    /// <summary>Whether the last step is random, too.</summary>
    [Description("Whether the last step is random as well; it is never trained, because its density is too narrow.")]
    public bool NoisyLastStep { get; init; } = true;
}
