using LeapAlign.Host.Fitting;

namespace LeapAlign.Host.Tests.Fitting;

/// <summary>How well scores agree, with answers that are known.</summary>
public class FitQualityTests
{
    [Fact]
    public void Agreement_has_known_answers()
    {
        // Ranks 1 2 3 4 and 2 1 4 3: Σd² = 4, so that Spearman's is 1 − 6·4 / (4·15) = 0.6; four of six pairs are in order; residuals 1 + 1 + 1 + 1 of 5.
        var quality = FitQuality.OfScores([1, 2, 3, 4], [2, 1, 4, 3]);
        Assert.Equal((4, 0.6, 0.6), (quality.Count, Math.Round(quality.Pearson!.Value, 12), Math.Round(quality.Spearman!.Value, 12)));
        Assert.Equal(0.2, quality.Explained!.Value, 12);
        Assert.Equal(4 / 6.0, quality.Pairs!.Value, 12);
        var line = FitQuality.OfScores([1, 2, 4], [10, 20, 40]);
        Assert.Equal((1.0, 1.0, 1.0), (Math.Round(line.Pearson!.Value, 12), Math.Round(line.Spearman!.Value, 12), line.Pairs!.Value));
        Assert.True(line.Explained < 0);
    }

    [Fact]
    public void Ties_share_ranks_and_count_half()
    {
        Assert.Equal([3, 1.5, 1.5, 4], FitQuality.Ranks([5, 2, 2, 9]));
        Assert.Equal(0.5, FitQuality.OfScores([1, 2], [3, 3]).Pairs);
        Assert.Equal(0.5, FitQuality.OfPairs([2, 1, 1, 0], [1, 2, 1, 0]).Pairs);
        Assert.Null(FitQuality.OfPairs([2], [1]).Gradient);
    }
}
