using FsCheck.Xunit;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel.Guards;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Guards;

public sealed class UpdateGuardTests
{
    [Theory]
    [InlineData(double.NaN, 1, 1)]
    [InlineData(1, double.PositiveInfinity, 1)]
    [InlineData(1, 1, double.NegativeInfinity)]
    public void What_is_not_finite_stops_the_run_and_names_the_first_bad_number(double loss, double norm, double reward)
    {
        var verdict = new UpdateGuard(new GuardSettings()).Judge(Update(norm, loss, reward), 11, static () => "it began here");
        Assert.True(verdict.Stops);
        Assert.Equal(FaultCodes.NotFinite, verdict.Fault!.Code);
        Assert.StartsWith("step 12: loss ", verdict.Fault.Message, StringComparison.Ordinal);
        Assert.Contains("it began here", verdict.Fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Skipping_is_bounded_and_a_good_update_begins_anew()
    {
        var guard = new UpdateGuard(new GuardSettings { NotFinite = "skip", Skips = 2 });
        bool Stops(double norm) => guard.Judge(Update(norm), 0, static () => "").Stops;
        Assert.Equal([false, false, false, false, false, true], new[] { double.NaN, double.NaN, 1, double.NaN, double.NaN, double.NaN }.Select(Stops));
    }

    [Fact]
    public void A_spike_is_a_norm_beyond_a_multiple_of_the_median_once_there_is_one()
    {
        var guard = new UpdateGuard(new GuardSettings { Spike = 10, Window = 8, OnSpike = "skip" });
        Verdict Judge(double norm) => guard.Judge(Update(norm), 0, static () => "");
        Assert.Null(Judge(1e9).Fault);
        Assert.Null(Judge(2).Fault);
        foreach (var norm in new[] { 3.0, 1, 2 }) Assert.Null(Judge(norm).Fault);
        Assert.Equal(2, guard.State.Median);
        Assert.Null(Judge(20).Fault);
        Assert.Equal(2.5, guard.State.Median);
        var verdict = Judge(25.1);
        Assert.Equal((FaultCodes.GradientSpike, false), (verdict.Fault!.Code, verdict.Stops));
        // A spike does not move the median.
        Assert.Equal(6, guard.State.Norms.Count);
    }

    [Property]
    public bool The_window_is_never_longer_than_it_is_set(double[] norms, byte size)
    {
        var window = 4 + (size % 20);
        var guard = new UpdateGuard(new GuardSettings { Window = window });
        foreach (var norm in norms.Where(double.IsFinite)) guard.Judge(Update(Math.Abs(norm)), 0, static () => "");
        return guard.State.Norms.SequenceEqual(norms.Where(double.IsFinite).Select(Math.Abs).TakeLast(window));
    }

    private static PendingUpdate Update(double norm, double loss = 1, double reward = 1) => new(loss, norm, new Dictionary<string, double> { ["r"] = reward });
}
