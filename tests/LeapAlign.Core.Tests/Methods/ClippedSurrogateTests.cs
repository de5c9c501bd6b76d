using FsCheck;
using FsCheck.Xunit;
using LeapAlign.Methods.Groups;
using static TorchSharp.torch;

namespace LeapAlign.Methods.Tests;

public sealed class ClippedSurrogateTests
{
    private const double Low = 1e-4;
    private const double High = 3e-4;

    // A > 0 and ρ > 1 + c_hi, or A < 0 and ρ < 1 − c_lo, lose their gradient; there is no clip on the other sides.
    [Theory]
    [InlineData(2, 4e-4, -2 * (1 + High), 0)]
    [InlineData(2, 2e-4, -2 * (1 + 2e-4), -2 * (1 + 2e-4))]
    [InlineData(2, -5e-4, -2 * (1 - 5e-4), -2 * (1 - 5e-4))]
    [InlineData(-2, -2e-4, 2 * (1 - Low), 0)]
    [InlineData(-2, -5e-5, 2 * (1 - 5e-5), 2 * (1 - 5e-5))]
    [InlineData(-2, 5e-4, 2 * (1 + 5e-4), 2 * (1 + 5e-4))]
    public void The_clip_holds_back_only_what_would_gain(double advantage, double beyondOne, double loss, double slope)
    {
        using var scope = NewDisposeScope();
        var logRatio = tensor(new[] { Math.Log(1 + beyondOne) }).requires_grad_();
        var actual = ClippedSurrogate.Loss(logRatio, tensor(new[] { advantage }), Low, High);
        Assert.Equal(loss, actual.item<double>(), 1e-12);
        actual.sum().backward();
        Assert.Equal(slope, logRatio.grad!.item<double>(), 1e-12);
        Assert.Equal(slope == 0 ? 1 : 0, ClippedSurrogate.Clipped(logRatio, tensor(new[] { advantage }), Low, High).item<double>());
    }

    [Property(MaxTest = 100)]
    public bool At_a_ratio_of_one_the_gradient_is_that_of_REINFORCE(int tenths)
    {
        using var scope = NewDisposeScope();
        var advantage = tenths / 10.0;
        var logRatio = zeros(1, dtype: float32).requires_grad_();
        var loss = ClippedSurrogate.Loss(logRatio, tensor(new[] { advantage }), Low, High);
        loss.sum().backward();
        return loss.item<double>() == -advantage && Math.Abs(logRatio.grad!.item<float>() + advantage) <= 1e-6 * Math.Abs(advantage);
    }

    [Fact]
    public void It_is_one_number_for_each_sample_and_exact_near_one_also_for_single_precision()
    {
        using var scope = NewDisposeScope();
        float[] logs = [2e-6f, -3e-7f, 0];
        var losses = ClippedSurrogate.Loss(tensor(logs), tensor([1.0, -1.0, 0.5]), 1, 1);
        Assert.Equal([-Math.Exp(logs[0]), Math.Exp(logs[1]), -0.5], losses.data<double>().ToArray());
        Assert.False(ClippedSurrogate.Clipped(tensor(logs).requires_grad_(), ones(3), 1, 1).requires_grad);
    }

    [Fact]
    public void Samples_without_advantage_are_never_clipped()
    {
        using var scope = NewDisposeScope();
        Assert.Equal([0, 0], ClippedSurrogate.Clipped(tensor([0.1, -0.1]), zeros(2), Low, High).data<double>().ToArray());
    }
}
