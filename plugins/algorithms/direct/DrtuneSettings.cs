using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Methods.Rewards;

namespace LeapAlign.Algorithms.Direct;

/// <summary>Settings of <c>drtune</c>.</summary>
public sealed record DrtuneSettings : RewardLossSettings
{
    /// <summary>K.</summary>
    [Description("K: how many steps of what was run are trained, equally spaced from a random start.")]
    [Range(1, 1000)]
    public int TrainedSteps { get; init; } = 3;

    /// <summary>M / N.</summary>
    [Description("The rollout stops at one of the last M steps, all equally likely, and the clean picture is predicted from there: M as a share of N, rounded. 0 always runs to the last step.")]
    [Range(0, 1)]
    public double EarlyStopRatio { get; init; } = 0.4;

    /// <summary>M.</summary>
    [Description("M as a number of steps, in place of earlyStopRatio; null takes the ratio.")]
    [Range(0, 1000)]
    public int? EarlyStopSteps { get; init; }

    /// <summary>Draws the stop, then the trained steps.</summary>
    internal DrtuneSteps Draw(RandomKey key, int steps)
    {
        var random = key.Open();
        var latest = LatestStops(steps);
        var stop = latest <= 0 ? steps - 1 : steps - random.NextInt(1, latest + 1);
        var length = stop + 1;
        if (TrainedSteps >= length) return new DrtuneSteps(stop, [.. Enumerable.Range(0, length)]);
        var stride = Math.Max(1, length / TrainedSteps);
        var start = random.NextInt(0, length - ((TrainedSteps - 1) * stride));
        return new DrtuneSteps(stop, [.. Enumerable.Range(0, TrainedSteps).Select(number => start + (number * stride))]);
    }

    /// <summary>Evaluations in the mean over stops.</summary>
    internal NetworkCost Cost(int steps)
    {
        var latest = LatestStops(steps);
        var length = latest <= 0 ? steps : steps + 1 - ((latest + 1) / 2.0);
        var trained = Math.Min(TrainedSteps, length);
        return new NetworkCost(length - trained, trained, 1);
    }

    private int LatestStops(int steps) => Math.Min(steps, EarlyStopSteps ?? (int)Math.Round(EarlyStopRatio * steps, MidpointRounding.ToEven));
}

/// <summary>What a step of <c>drtune</c> runs and trains.</summary>
/// <param name="Stop">The last step that is run.</param>
/// <param name="Trained">The steps with gradient, at most <paramref name="Stop"/>.</param>
public sealed record DrtuneSteps(int Stop, IReadOnlyList<int> Trained);
