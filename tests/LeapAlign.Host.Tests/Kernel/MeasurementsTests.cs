using LeapAlign.Contracts.Algorithms;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Steps;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Kernel;

public sealed class MeasurementsTests
{
    [Fact]
    public void Everything_has_its_mean_and_choices_are_kept_one_by_one_too()
    {
        using var scope = NewDisposeScope();
        var measurements = new Measurements();
        measurements.Add(0, Measurement.Choice("k", tensor(new long[] { 3, 5 })));
        measurements.Add(0, Measurement.Choice("k", tensor(8L)));
        measurements.Add(0, new Measurement("weight", tensor(new[] { 1f, 2f })));
        // Whole numbers that nobody chose: a count.
        measurements.Add(0, new Measurement("count", tensor(new long[] { 1, 2 })));
        var measured = measurements.Values;
        Assert.Equal(16.0 / 3, measured["k"], 1e-12);
        Assert.Equal(1.5, measured["weight"]);
        Assert.Equal(1.5, measured["count"]);
        Assert.Equal("k", Assert.Single(measured.Choices).Key);
        Assert.Equal([3, 5, 8], measured.Choices["k"]);
        Assert.Empty(measured.Pairs);
    }

    [Fact]
    public void Choices_that_are_made_together_are_a_pair_once()
    {
        using var scope = NewDisposeScope();
        var measurements = new Measurements();
        foreach (var values in new long[][] { [1, 2], [3, 4] })
        {
            foreach (var measured in Measurement.Pair(("from", tensor(values)), ("to", tensor(values).add(1)))) measurements.Add(0, measured);
        }
        Assert.Equal([new ChoicePair("from", "to")], measurements.Values.Pairs);
        Assert.Equal([1, 2, 3, 4], measurements.Values.Choices["from"]);
        Assert.Equal([2, 3, 4, 5], measurements.Values.Choices["to"]);
    }
}
