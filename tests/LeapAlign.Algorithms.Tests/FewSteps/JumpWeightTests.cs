using LeapAlign.Algorithms.FewSteps.Maps;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FewSteps.Tests;

/// <summary>The learnt weight of residuals: its formula, and what it learns.</summary>
public sealed class JumpWeightTests
{
    private static readonly (double From, double To)[] s_jumps = [(0.9, 0.25), (0.5, 0.5), (0.31, 0)];

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(90)]
    public void Both_times_are_sinusoids_of_one_head(int channel)
    {
        using var scope = NewDisposeScope();
        using var weight = Weight(channel, 1, -0.25f);
        double Wave(double time) => Math.Exp(-Math.Log(10_000) * (channel % 64) / 64) * 1000 * time is var angle && channel < 64 ? Math.Cos(angle) : Math.Sin(angle);
        var expected = s_jumps.Select(jump => Wave(jump.From) + Wave(jump.To) - 0.25).ToArray();
        Assert.Equal(expected, weight.Of(s_jumps).data<float>().Select(static value => (double)value).ToArray(), static (left, right) => Math.Abs(left - right) < 2e-4);
    }

    [Fact]
    public void It_learns_the_logarithm_of_residuals_at_their_times()
    {
        using var scope = NewDisposeScope();
        using var weight = new JumpWeight(CPU);
        Assert.All(weight.Of(s_jumps).data<float>(), static value => Assert.Equal(0, value));
        var residuals = tensor(new[] { 4f, 0.1f, 1f });
        for (var step = 0; step < 3000; step++)
        {
            using var inner = NewDisposeScope();
            weight.Parameters.ClearGradients();
            var learned = weight.Of(s_jumps);
            (((-learned).exp() * residuals) + learned).mean().backward();
            using var _ = no_grad();
            foreach (var parameter in weight.Parameters) parameter.Value.sub_(parameter.Value.grad! * 0.01);
        }
        Assert.Equal([Math.Log(4), Math.Log(0.1), 0], weight.Of(s_jumps).data<float>().Select(static value => (double)value).ToArray(), static (left, right) => Math.Abs(left - right) < 1e-2);
    }

    private static JumpWeight Weight(int channel, float value, float bias)
    {
        var weight = new JumpWeight(CPU);
        using var _ = no_grad();
        weight.Parameters[0].Value[0, channel].fill_(value);
        weight.Parameters[1].Value.fill_(bias);
        return weight;
    }
}
