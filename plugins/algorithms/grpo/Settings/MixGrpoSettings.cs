using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Methods.Groups;

namespace LeapAlign.Algorithms.Grpo.Settings;

/// <summary>Settings of <c>mix-grpo</c>. The defaults are those of arXiv 2507.21802, which samples with <c>dance-sde</c> at η = 0.7 on 25 steps.</summary>
public sealed record MixGrpoSettings : GrpoSettings
{
    /// <summary>The published values.</summary>
    public MixGrpoSettings()
    {
        SharedNoise = true;
        Aggregation = RewardAggregation.PerReward;
        AdvantageDeviation = DeviationScope.Group;
        UnbiasedDeviation = true;
        DeviationFloor = 1e-8;
    }

    /// <summary>W.</summary>
    [Description("Steps W of the window, which alone are random and trained.")]
    [Range(1, 1000)]
    public int Window { get; init; } = 4;

    /// <summary>How the window moves.</summary>
    [Description("Where the window begins: progressive (at the noisiest step, moving on as training goes on, and back when it reaches the end) or random (anew at each step of the run).")]
    public WindowStart Start { get; init; } = WindowStart.Progressive;

    /// <summary>Steps of the run between two moves.</summary>
    [Description("Steps of the run after which a progressive window moves.")]
    [Range(1, 1_000_000)]
    public int IterationsPerMove { get; init; } = 25;

    /// <summary>Sampling steps of a move.</summary>
    [Description("By how many sampling steps a progressive window moves; 0 leaves it at the noisiest steps.")]
    [Range(0, 1000)]
    public int Move { get; init; } = 1;
}

/// <summary>Where a window begins.</summary>
public enum WindowStart
{
    /// <summary>Moves along the schedule as training goes on.</summary>
    [JsonStringEnumMemberName("progressive")]
    Progressive,

    /// <summary>Anew at each step of the run.</summary>
    [JsonStringEnumMemberName("random")]
    Random,
}
