using System.Globalization;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Composition;

namespace LeapAlign.Host.Kernel.Ranks.Scorers;

/// <summary>A reward that processes of their own compute.</summary>
/// <param name="Index">Which of them, from 0; null for all, by turns.</param>
internal sealed record ScorerPlacement(int? Index)
{
    /// <summary>The word.</summary>
    public const string Word = "scorer";

    /// <summary>The words for where a reward may be, as a regular expression.</summary>
    public const string Words = "^(run|host|cpu|cuda(:[0-9]{1,4})?|scorer(:[0-9]{1,4})?)$";

    /// <summary>That of a reward; null where the process that trains computes it.</summary>
    public static ScorerPlacement? Of(RewardPlan reward) => reward.Placement switch
    {
        Word => new((int?)null),
        var named when named.StartsWith(Word + ":", StringComparison.Ordinal) => new(int.Parse(named.AsSpan(Word.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture)),
        _ => null,
    };

    /// <summary>Where a reward is in the process that computes it.</summary>
    public static string Here(RewardPlan reward) => Of(reward) is null ? reward.Placement : PlacedPart.Run;
}
