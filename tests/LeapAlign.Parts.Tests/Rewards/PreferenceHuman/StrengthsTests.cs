using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace LeapAlign.Rewards.PreferenceHuman.Tests;

/// <summary>From votes to scores.</summary>
public sealed class StrengthsTests
{
    /// <summary>With two pictures and one vote, d = θ₁ − θ₂ solves σ(−d) = prior · d / 2, which has no closed form but a check.</summary>
    [Theory]
    [InlineData(0.001)]
    [InlineData(0.1)]
    [InlineData(1)]
    [InlineData(100)]
    public void One_vote_is_followed_as_far_as_the_prior_lets_it(double prior)
    {
        var strengths = Strengths.Of(2, [new Comparison(0, 1, 1)], prior);
        var difference = strengths[0] - strengths[1];
        Assert.Equal(1 / (1 + Math.Exp(difference)), prior * difference / 2, 12);
        Assert.Equal(0, strengths[0] + strengths[1], 12);
        Assert.True(difference > 0);
        var scores = Strengths.Scores(strengths);
        Assert.Equal(1 / (1 + Math.Exp(-difference)), scores[0], 12);
        Assert.Equal(1, scores[0] + scores[1], 12);
    }

    /// <summary>Without a prior, four of five votes are odds of four.</summary>
    [Fact]
    public void Votes_are_odds_where_the_prior_is_weak()
    {
        var strengths = Strengths.Of(2, [.. Enumerable.Range(0, 5).Select(static vote => new Comparison(0, 1, vote == 0 ? 0 : 1))], 1e-9);
        Assert.Equal(Math.Log(4), strengths[0] - strengths[1], 6);
    }

    [Fact]
    public void A_circle_of_preferences_and_ties_prefer_nothing()
    {
        Assert.All(Strengths.Scores(Strengths.Of(3, [new(0, 1, 1), new(1, 2, 1), new(0, 2, 0)], 0.1)), static score => Assert.Equal(0.5, score, 12));
        Assert.All(Strengths.Scores(Strengths.Of(3, [new(0, 1, 0.5), new(1, 2, 0.5)], 0.1)), static score => Assert.Equal(0.5, score, 12));
        Assert.Equal([0.5], Strengths.Scores(Strengths.Of(1, [], 0.1)));
    }

    /// <summary>0 over 1 over 2, without a vote on 0 and 2: they are compared through 1.</summary>
    [Fact]
    public void Pictures_are_compared_through_others()
    {
        var scores = Strengths.Scores(Strengths.Of(4, [new(0, 1, 1), new(1, 2, 1), new(2, 3, 1)], 0.1));
        Assert.Equal(scores.OrderDescending(), scores);
        Assert.Equal(1, scores[0] + scores[3], 12);
        Assert.Equal(1, scores[1] + scores[2], 12);
        Assert.True(scores[0] - scores[1] > 0.1);
    }

    [Property(MaxTest = 200, Replay = "(4711,13)")]
    public Property The_strengths_are_the_maximum_and_scores_follow_wins() =>
        Prop.ForAll(Gen.Choose(2, 7).SelectMany(static count => Gen.Choose(0, 2).ArrayOf(count * (count - 1) / 2).Select(votes => (Count: count, Votes: votes))).ToArbitrary(), static sample =>
        {
            var pairs = from first in Enumerable.Range(0, sample.Count) from second in Enumerable.Range(first + 1, sample.Count - first - 1) select (first, second);
            Comparison[] comparisons = [.. pairs.Zip(sample.Votes, static (pair, vote) => new Comparison(pair.first, pair.second, vote / 2.0))];
            var strengths = Strengths.Of(sample.Count, comparisons, 0.1);
            // The derivative of what is maximised, as a difference.
            for (var i = 0; i < sample.Count; i++)
            {
                double At(double step) => Strengths.Likelihood([.. strengths.Select((strength, j) => strength + (j == i ? step : 0))], comparisons, 0.1);
                Assert.Equal(0, (At(1e-4) - At(-1e-4)) / 2e-4, 6);
                Assert.True(At(0) >= At(0.01) && At(0) >= At(-0.01));
            }
            // Where all pairs were asked, the order is that of wins.
            double Wins(int i) => comparisons.Sum(pair => pair.First == i ? pair.Won : pair.Second == i ? 1 - pair.Won : 0);
            var scores = Strengths.Scores(strengths);
            for (var i = 0; i < sample.Count; i++)
                for (var j = 0; j < sample.Count; j++)
                    if (Wins(i) > Wins(j)) Assert.True(scores[i] > scores[j], $"{i} won {Wins(i)}, {j} won {Wins(j)}, but {scores[i]} and {scores[j]}");
            Assert.All(scores, static score => Assert.InRange(score, 0, 1));
        });
}
