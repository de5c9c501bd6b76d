using FsCheck;
using FsCheck.Xunit;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Methods.Steps;

namespace LeapAlign.Methods.Tests;

public sealed class LateBiasedSubsetTests
{
    [Property(MaxTest = 300)]
    public bool Steps_are_distinct_rising_and_of_the_range(long seed, PositiveInt length, NonNegativeInt first, NonNegativeInt many, int bias)
    {
        var range = new StepRange(first.Get % 20, (first.Get % 20) + 1 + (length.Get % 40));
        var count = many.Get % 45;
        var chosen = LateBiasedSubset.Draw(RandomKey.OfRun(seed).Open(), range, count, bias % 6, origin: seed % 2 == 0 ? 0 : range.First);
        return chosen.Count == Math.Min(count, range.Count)
            && chosen.All(range.Steps.Contains)
            && chosen.SequenceEqual(chosen.Distinct().Order());
    }

    [Fact]
    public void All_of_a_range_is_taken_without_a_draw()
    {
        var random = RandomKey.OfRun(1).Open();
        Assert.Equal([2, 3, 4], LateBiasedSubset.Draw(random, new StepRange(2, 5), 3, 2, 0));
        Assert.Empty(LateBiasedSubset.Draw(random, new StepRange(5, 5), 2, 2, 5));
        Assert.Equal(RandomKey.OfRun(1).Open().NextBits(), random.NextBits());
    }

    [Theory]
    [InlineData(2, 0, 2.0)]
    [InlineData(2, 2, 2.0)]
    [InlineData(2, 2, 0.0)]
    [InlineData(0, 0, 1.0)]
    public void One_step_is_drawn_in_proportion_to_its_weight(int first, int origin, double bias)
    {
        const int draws = 20_000;
        var range = new StepRange(first, first + 4);
        var counts = Enumerable.Range(0, draws).SelectMany(seed => LateBiasedSubset.Draw(RandomKey.OfRun(seed).Open(), range, 1, bias, origin)).CountBy(static step => step).ToDictionary();
        var total = range.Steps.Sum(step => Math.Pow(step - origin + 1, bias));
        Assert.All(range.Steps, step => Near(Math.Pow(step - origin + 1, bias) / total, counts[step], draws));
    }

    [Fact]
    public void Two_steps_are_drawn_one_after_another_without_replacement()
    {
        const int draws = 20_000;
        double[] weights = [1, 4, 9];
        var counts = Enumerable.Range(0, draws).Select(seed => LateBiasedSubset.Draw(RandomKey.OfRun(seed).Open(), new StepRange(0, 3), 2, 2, 0)).CountBy(static steps => (steps[0], steps[1])).ToDictionary();
        foreach (var (low, high) in ((int, int)[])[(0, 1), (0, 2), (1, 2)])
        {
            var sum = weights.Sum();
            var share = weights[low] / sum * weights[high] / (sum - weights[low]);
            Near(share + (weights[high] / sum * weights[low] / (sum - weights[high])), counts[(low, high)], draws);
        }
    }

    /// <summary>Within five standard deviations of a binomial count.</summary>
    private static void Near(double share, int count, int draws)
    {
        var deviation = Math.Sqrt(draws * share * (1 - share));
        Assert.InRange(count, (draws * share) - (5 * deviation), (draws * share) + (5 * deviation));
    }
}
