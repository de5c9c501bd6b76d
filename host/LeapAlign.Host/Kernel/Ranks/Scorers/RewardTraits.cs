using System.Text.Json;
using LeapAlign.Contracts.Rewards;

namespace LeapAlign.Host.Kernel.Ranks.Scorers;

/// <summary>What a run has to know of a reward beside its scores.</summary>
/// <param name="IsDifferentiable">Whether its scores have gradients.</param>
/// <param name="Compares">Whether it compares the pictures of a prompt, so that one alone has no score.</param>
/// <param name="MayMiss">Whether a score that is not a number is one that is missing.</param>
/// <param name="Lowest">The lowest score; null where it does not say.</param>
/// <param name="Highest">The highest score; null where it does not say.</param>
internal sealed record RewardTraits(bool IsDifferentiable, bool Compares, bool MayMiss, double? Lowest, double? Highest)
{
    /// <summary>Where its scores lie; null when it does not say.</summary>
    public ScoreRange? Range() => Lowest is { } lowest && Highest is { } highest ? new ScoreRange(lowest, highest) : null;

    /// <summary>Those of a reward, under any of its contracts.</summary>
    public static RewardTraits Of(object reward)
    {
        var range = reward is IBoundedReward bounded ? bounded.Range : reward is IPairwiseReward ? new ScoreRange(0, 1) : null;
        return new(reward is IDifferentiableReward or IDifferentiableLatentReward, reward is not (IReward or ILatentReward), reward is IPartialReward, range?.Lowest, range?.Highest);
    }

    /// <summary>Traits of rewards by name, as bytes.</summary>
    public static byte[] Write(Dictionary<string, RewardTraits> traits) => JsonSerializer.SerializeToUtf8Bytes(traits, ScoringJson.Default.Traits);

    /// <summary>From bytes.</summary>
    public static IReadOnlyDictionary<string, RewardTraits> Read(byte[] bytes) => JsonSerializer.Deserialize(bytes, ScoringJson.Default.Traits)!;
}
