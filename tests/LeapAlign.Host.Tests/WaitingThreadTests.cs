using LeapAlign.Host.Runtime;

namespace LeapAlign.Host.Tests;

/// <summary>How many turns a waiting thread spins, by what a turn lasts.</summary>
public sealed class WaitingThreadTests
{
    [Theory]
    [InlineData(2, 3e-9, "GOMP_SPINCOUNT", "6667")]
    [InlineData(16, 23e-9, "GOMP_SPINCOUNT", "870")]
    [InlineData(2, 45e-9, "GOMP_SPINCOUNT", "444")]
    [InlineData(1, 23e-9, "OMP_WAIT_POLICY", "passive")]
    [InlineData(2, null, "OMP_WAIT_POLICY", "passive")]
    public void It_spins_for_twenty_microseconds_where_another_may_come(int threads, double? turn, string name, string value)
    {
        var chosen = WaitingThreads.Choose(threads, turn);
        Assert.Equal((name, value), (chosen.Name, chosen.Value));
    }
}
