using LeapAlign.Host.Kernel.Steps;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Kernel;

public sealed class MeasurementsTests
{
    [Fact]
    public void Everything_has_its_mean_and_whole_numbers_are_kept_one_by_one_too()
    {
        using var scope = NewDisposeScope();
        var measurements = new Measurements();
        measurements.Add("k", tensor(new long[] { 3, 5 }));
        measurements.Add("k", tensor(8L));
        measurements.Add("weight", tensor(new[] { 1f, 2f }));
        var measured = measurements.Values;
        Assert.Equal(16.0 / 3, measured["k"], 1e-12);
        Assert.Equal(1.5, measured["weight"]);
        Assert.Equal("k", Assert.Single(measured.Choices).Key);
        Assert.Equal([3, 5, 8], measured.Choices["k"]);
    }
}
