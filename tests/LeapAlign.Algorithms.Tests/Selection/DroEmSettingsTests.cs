using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Selection.Tests;

/// <summary>Which settings of <c>dro-em</c> are refused, and what it says of itself.</summary>
public sealed class DroEmSettingsTests
{
    [Theory]
    [InlineData("fragments[1] is blank", 1, "A", " ")]
    [InlineData("'A' is there twice among fragments", 1, "A", "B", "A")]
    [InlineData("picks is 3, and there are 2 fragments", 3, "A", "B")]
    public void What_cannot_be_picked_from_is_refused(string words, int picks, params string[] fragments)
    {
        var made = DroEmAlgorithm.Of("selecting", DroEmTests.Plain with { Fragments = fragments, Picks = picks }, CPU);
        Assert.False(made.TryGet(out _, out var fault));
        Assert.Equal(FaultCodes.SettingsDoNotFit, fault.Code);
        Assert.Contains(words, fault.Message, StringComparison.Ordinal);
        Assert.StartsWith("selecting: ", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_would_leave_equal_selections_out_is_refused()
    {
        Assert.False(DroEmAlgorithm.Of("dro-em", DroEmTests.Plain with { Skip = 0.1, Samples = 5 }, CPU).TryGet(out _, out var fault));
        Assert.Contains("below 0.1", fault!.Message, StringComparison.Ordinal);
        Assert.True(DroEmAlgorithm.Of("dro-em", DroEmTests.Plain with { Skip = 0.099, Samples = 5 }, CPU).IsOk);
    }

    [Fact]
    public void It_says_what_it_needs_offers_and_costs()
    {
        var part = new SelectionPlugin().Parts.Single();
        object Read(string rest) => part.ReadSettings($$"""{ "fragments": ["a", "b"]{{rest}} }""");
        Assert.Equal([Capabilities.Features, Capabilities.Pictures], part.Requires(Read("")));
        Assert.Equal([Capabilities.Features], part.Requires(Read(""", "evidence": "online" """)));
        Assert.Equal([.. Capabilities.OfRepeatableSteps, Capabilities.Players], part.Provides(Read("")));
        Assert.Equal([.. Capabilities.OfRepeatableSteps], part.Provides(Read(""", "train": "selector" """)));
        Assert.Equal([Capabilities.Probe], part.Provides(Read(""", "iteration": 2 """)));
        Assert.Equal(new NetworkCost(16, 16, 0), part.Cost(Read(""", "timesteps": 2 """), 10));
        Assert.Equal(new NetworkCost(80, 8, 0), part.Cost(Read(""", "evidence": "online" """), 10));
        Assert.Equal(new NetworkCost(8, 0, 0), part.Cost(Read(""", "train": "selector" """), 10));
    }
}
