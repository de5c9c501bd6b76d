using FsCheck;
using FsCheck.Xunit;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Methods.Leaps;
using LeapAlign.Pipeline;

namespace LeapAlign.Methods.Tests;

public sealed class LeapPairSamplerTests
{
    [Property(MaxTest = 500)]
    public bool Anchors_are_ordered_steps_of_the_schedule_in_every_mode(long seed, PositiveInt extra, LeapPairMode mode, PositiveInt tail)
    {
        var steps = 3 + (extra.Get % 60);
        var settings = new Settings { Anchors = mode, TailRatio = 0.01 + (tail.Get % 100 / 101.0) };
        var pair = new LeapPairSampler("leapalign", settings).Draw(RandomKey.OfRun(seed), steps);
        return 0 <= pair.K && pair.K < pair.J && pair.J < steps;
    }

    [Property(MaxTest = 300)]
    public bool Anchors_stay_in_their_window(long seed, PositiveInt tail)
    {
        const int steps = 25;
        var settings = new Settings { TailRatio = 0.2 + (tail.Get % 60 / 100.0), MinReverse = 2 };
        var pair = new LeapPairSampler("leapalign", settings).Draw(RandomKey.OfRun(seed), steps);
        var window = Math.Max(3, (int)Math.Ceiling(steps * settings.TailRatio));
        return steps - pair.K <= window && steps - pair.J >= 2;
    }

    [Property(MaxTest = 300)]
    public bool Dirichlet_lengths_fill_the_window(long seed, PositiveInt extra)
    {
        var total = 3 + (extra.Get % 60);
        var sampler = new LeapPairSampler("leapalign", new Settings { ConcentrationEnd = 2.5, ConcentrationGap = 6, ConcentrationStart = 2 });
        var (end, gap, start) = sampler.DirichletLengths(RandomKey.OfRun(seed).Open(), total);
        return end >= 1 && gap >= 1 && start >= 1 && end + gap + start == total;
    }

    [Property(MaxTest = 300)]
    public bool A_cap_on_j_keeps_the_gap_of_dirichlet(long seed)
    {
        const int steps = 30;
        var free = new Settings { Anchors = LeapPairMode.Dirichlet };
        var wide = new LeapPairSampler("leapalign", free).Draw(RandomKey.OfRun(seed), steps);
        var capped = new LeapPairSampler("leapalign", free with { MaxReverseJ = 5 }).Draw(RandomKey.OfRun(seed), steps);
        return steps - capped.J <= 5 && capped.J - capped.K == wide.J - wide.K;
    }

    [Fact]
    public void Uniform_pairs_are_equally_likely()
    {
        const int steps = 5, draws = 20_000;
        var sampler = new LeapPairSampler("leapalign", new Settings());
        var counts = Enumerable.Range(0, draws).Select(i => sampler.Draw(RandomKey.OfRun(i), steps)).CountBy(static pair => pair).ToDictionary();
        Assert.Equal(steps * (steps - 1) / 2, counts.Count);
        // Five standard deviations of a binomial count.
        Assert.All(counts.Values, static count => Assert.InRange(count, 2000 - 212, 2000 + 212));
    }

    [Fact]
    public void Midpoints_lie_half_way()
    {
        const int steps = 20;
        for (var seed = 0; seed < 100; seed++)
        {
            var pair = new LeapPairSampler("leapalign", new Settings { Anchors = LeapPairMode.Midpoint }).Draw(RandomKey.OfRun(seed), steps);
            Assert.Equal(Math.Max(pair.K + 1, (pair.K + steps) / 2), pair.J);
            pair = new LeapPairSampler("leapalign", new Settings { Anchors = LeapPairMode.MidpointJ }).Draw(RandomKey.OfRun(seed), steps);
            Assert.Equal(pair.J / 2, pair.K);
        }
    }

    [Fact]
    public void The_draw_depends_on_the_key_alone()
    {
        var sampler = new LeapPairSampler("leapalign", new Settings());
        Assert.Equal(sampler.Draw(RandomKey.OfRun(7).For("leaps"), 40), sampler.Draw(RandomKey.OfRun(7).For("leaps"), 40));
        Assert.True(Enumerable.Range(0, 20).Select(i => sampler.Draw(RandomKey.OfRun(i), 40)).Distinct().Count() > 10);
    }

    [Fact]
    public void A_window_of_fewer_than_three_steps_is_a_fault()
    {
        var sampler = new LeapPairSampler("leapalign", new Settings { MinReverse = 9 });
        var exception = Assert.Throws<FaultException>(() => sampler.Draw(RandomKey.OfRun(0), 10));
        Assert.Equal(FaultCodes.SettingsDoNotFit, exception.Fault.Code);
    }

    private sealed record Settings : LeapPairSettings;
}
