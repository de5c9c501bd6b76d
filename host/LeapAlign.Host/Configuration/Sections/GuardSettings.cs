using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace LeapAlign.Host.Configuration.Sections;

/// <summary>The section <c>guard</c> of plugins.json.</summary>
internal sealed record GuardSettings
{
    [Description("What happens to an update whose loss, rewards or gradient are not finite: stop ends the run before it, skip leaves it out and goes on.")]
    [AllowedValues("stop", "skip")]
    public string NotFinite { get; init; } = "stop";

    [Description("How many times the median of the last gradient norms a norm may be; a longer one is a spike. 0 looks for none.")]
    [Range(0, 1e12)]
    public double Spike { get; init; }

    [Description("What happens to an update whose gradient is a spike.")]
    [AllowedValues("stop", "skip")]
    public string OnSpike { get; init; } = "skip";

    [Description("Gradient norms that the median is taken over. Nothing is a spike before a quarter of them is there.")]
    [Range(4, 100_000)]
    public int Window { get; init; } = 64;

    [Description("Updates that may be left out one after another; one more ends the run.")]
    [Range(1, 1_000_000)]
    public int Skips { get; init; } = 3;

    /// <summary>A value of <see cref="Fallen"/>.</summary>
    public const string Keep = "keep", Undo = "undo";

    [Description("What happens to an update after which the rewards of its own samples are lower: keep leaves it (and does not look), undo makes the step again at the new weights without gradient, and takes the old weights where the weighted sum of the trained rewards fell. It needs an algorithm whose step can be asked for again, and costs its evaluations once more.")]
    [AllowedValues(Keep, Undo)]
    public string Fallen { get; init; } = Keep;

    [Description("Seconds that a stage of a step (an evaluation of the network, a score, a backward) may take; a part that takes longer hangs, and the run ends. 0 waits for ever.")]
    [Range(0, 31_536_000)]
    public double StageSeconds { get; init; } = 1800;

    [Description("Seconds that a process of a run waits for the others before it ends them all; a stage of one of several processes may take nine tenths of it. 0 waits for ever.")]
    [Range(0, 31_536_000)]
    public double RankSeconds { get; init; } = 600;
}
