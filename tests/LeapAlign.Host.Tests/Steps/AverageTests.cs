using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Kernel.Steps;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Steps;

/// <summary>The moving average against its closed form, at every decay that a run may have.</summary>
public sealed class AverageTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(0.9)]
    [InlineData(0.98)]
    [InlineData(0.99)]
    [InlineData(0.9999)]
    [InlineData(0.99999)]
    [InlineData(0.999999)]
    public void It_follows_a_small_difference_over_many_updates(double decay)
    {
        const int Updates = 20_000;
        using var scope = NewDisposeScope();
        var weight = tensor(new[] { 1f, -3f }).requires_grad_();
        using var average = new MovingAverage(new([new Parameter("w", ParameterRole.Matrix, weight)]), decay);
        var began = weight.detach().to(float64);
        using (no_grad()) weight.add_(0.01);
        var difference = weight.detach().to(float64) - began;
        for (var update = 0; update < Updates; update++) average.Update(update);
        var moved = (average.Policy.Values[0].to(float64) - began) / difference;
        var expected = 1 - Math.Pow(decay, Updates);
        foreach (var share in moved.data<double>().ToArray()) Assert.Equal(1, share / expected, 2e-3);
    }

    [Fact]
    public void A_warm_up_forgets_where_it_began()
    {
        using var scope = NewDisposeScope();
        var weight = ones(1).requires_grad_();
        using var average = new MovingAverage(new([new Parameter("w", ParameterRole.Matrix, weight)]), 0.9999, warmUp: true);
        using (no_grad()) weight.fill_(3);
        var left = 1.0;
        for (var update = 0; update < 50; update++)
        {
            average.Update(update);
            left *= Math.Min(0.9999, (1.0 + update) / (10 + update));
            Assert.Equal(3 - (2 * left), average.Policy.Values[0].item<double>(), 1e-12);
        }
        Assert.True(left < 1e-9);
    }

    [Theory]
    [InlineData(ScalarType.Float32, ScalarType.Float64)]
    [InlineData(ScalarType.Float64, ScalarType.Float32)]
    [InlineData(ScalarType.Float64, ScalarType.Float64)]
    public void It_goes_on_from_one_that_was_kept_in_another_precision(ScalarType before, ScalarType now)
    {
        using var scope = NewDisposeScope();
        var saved = tensor(new[] { 0.1f, 1 / 3f }).to(before);
        using var average = new MovingAverage(new([new Parameter("w", ParameterRole.Norm, zeros(2))]), now == ScalarType.Float64 ? 0.99 : 0.9);
        average.State.Load(new PartState(1, [new NamedTensor("w", saved)])).Value();
        Assert.Equal(now, average.Policy.Values[0].dtype);
        Assert.Equal(saved.to(float64).data<double>().ToArray(), average.Policy.Values[0].to(float64).data<double>().ToArray());
        // What never was a weight is none.
        Assert.Equal(Pipeline.FaultCodes.StateMismatch, average.State.Load(new PartState(1, [new NamedTensor("w", saved.to(int32))])).Fault().Code);
        Assert.Equal(Pipeline.FaultCodes.StateMismatch, average.State.Load(new PartState(1, [new NamedTensor("w", saved.reshape(2, 1))])).Fault().Code);
    }

    [Theory]
    [InlineData(new[] { 0.98, 0, 1 }, ScalarType.Float32)]
    [InlineData(new[] { 1.0, 1, 1 }, ScalarType.Float32)]
    [InlineData(new[] { 0.5, 0.995 }, ScalarType.Float64)]
    public void Memory_is_taken_only_where_a_decay_needs_it(double[] decays, ScalarType type) => Assert.Equal(type, LaggedWeights.TypeFor(decays));
}
