using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LeapAlign.Contracts.Flow;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Tests;

public sealed class RectifiedFlowTests
{
    [Fact]
    public void Connector_has_the_value_of_what_was_reached_and_the_gradient_of_the_prediction()
    {
        using var scope = NewDisposeScope();
        var predicted = Sample(1).requires_grad_();
        var reached = Sample(2).requires_grad_();
        var connected = RectifiedFlow.Connect(predicted, reached);
        Agreement.Values(connected, reached.detach(), "value", 1e-6);
        connected.sum().backward();
        Assert.True(predicted.grad!.eq(1).all().item<bool>());
        Assert.True(reached.grad is null || reached.grad.eq(0).all().item<bool>());
    }

    [Property(MaxTest = 50)]
    public bool Gradient_scaling_keeps_the_value_and_scales_the_gradient(PositiveInt thousandths)
    {
        using var scope = NewDisposeScope();
        var factor = thousandths.Get % 1001 / 1000.0;
        var input = Sample(3).requires_grad_();
        var scaled = RectifiedFlow.ScaleGradient(input, factor);
        var sameValue = scaled.detach().eq(input.detach()).all().item<bool>();
        if (factor == 0) return sameValue && !scaled.requires_grad;
        scaled.sum().backward();
        return sameValue && (input.grad! - factor).abs().max().item<float>() < 1e-6;
    }

    [Fact]
    public void Distance_is_the_mean_absolute_difference_of_each_sample_in_double_without_gradient()
    {
        using var scope = NewDisposeScope();
        var left = Sample(4).requires_grad_();
        var right = Sample(5);
        var distance = RectifiedFlow.Distance(left, right);
        Assert.Equal(ScalarType.Float64, distance.dtype);
        Assert.Equal([left.shape[0]], distance.shape);
        Assert.False(distance.requires_grad);
        var first = (left.detach()[0].to(float64) - right[0].to(float64)).abs().mean();
        Agreement.Values(distance[0], first, "distance", 1e-12);
    }

    [Fact]
    public void Guidance_of_one_is_the_conditional_velocity_itself()
    {
        using var scope = NewDisposeScope();
        var (latents, velocity) = (Sample(6), Sample(6));
        Assert.Same(velocity, Guidance.None.Apply(latents, _ => velocity, static _ => throw new InvalidOperationException("evaluated")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Guidance_combines_the_branches_and_a_detached_negative_passes_no_gradient(bool detach)
    {
        using var scope = NewDisposeScope();
        const double g = 3.5;
        var latents = Sample(6).requires_grad_();
        var guided = new Guidance(g, detach).Apply(latents, static x => x * 2, static x => x * 5);
        Agreement.Values(guided, latents.detach() * (5 + (g * (2 - 5))), "guided", 1e-6);
        guided.sum().backward();
        var expected = (g * 2) + (detach ? 0 : (1 - g) * 5);
        Agreement.Values(latents.grad!, full_like(latents.detach(), expected), "gradient", 1e-6);
    }

    [Property(MaxTest = 100)]
    public Property Schedules_that_do_not_fall_strictly_to_zero_are_refused(int[] thousandths)
    {
        var sigmas = thousandths.Select(static value => Math.Abs(value % 1000) / 1000.0).ToArray();
        var valid = sigmas.Length >= 2 && sigmas[^1] == 0 && sigmas.Zip(sigmas.Skip(1)).All(static pair => pair.First > pair.Second);
        return (Accepts(sigmas) == valid).ToProperty();
    }

    [Fact]
    public void Schedule_numbers_steps_forwards()
    {
        var schedule = new Schedule([1, 0.75, 0.25, 0]);
        Assert.Equal(3, schedule.Steps);
        Assert.Equal(-0.5, schedule.Delta(1, 2));
        Assert.Equal(-0.75, schedule.Delta(1, 3));
        Assert.Equal(schedule, new Schedule([1, 0.75, 0.25, 0]));
        Assert.NotEqual(schedule, new Schedule([1, 0.5, 0.25, 0]));
    }

    private static bool Accepts(double[] sigmas)
    {
        try
        {
            _ = new Schedule(sigmas);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static Tensor Sample(int seed) => Randomness.RandomKey.OfRun(seed).Normal([3, 2, 4, 4], CPU);
}
