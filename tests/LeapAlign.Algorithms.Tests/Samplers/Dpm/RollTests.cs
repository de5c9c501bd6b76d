using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Schedules;
using LeapAlign.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Samplers.Dpm.Tests;

/// <summary>The ODE: what each order is equal to, how fast its error falls, and what a roll owes its caller.</summary>
public sealed class RollTests
{
    private static readonly DpmSampler First = new(new DpmSettings { Order = 1 });
    private static readonly DpmSampler Second = new(new DpmSettings());

    [Fact]
    public void The_first_order_is_the_Euler_step()
    {
        using var scope = NewDisposeScope();
        var schedule = Sigmas.Explicit(9, 3);
        var noise = Noise(1);
        var expected = noise;
        for (var step = 0; step < schedule.Steps; step++)
        {
            var (from, to) = (schedule.Sigma(step), schedule.Sigma(step + 1));
            var velocity = Curved(expected, step);
            expected = ((1 - to) * (expected - (from * velocity))) + (to * (expected + ((1 - from) * velocity)));
        }
        Agreement.Values(First.Roll(noise, new SamplingPath(schedule, Curved)), expected, "final sample", 1e-12);
    }

    [Theory]
    [InlineData(20)]
    [InlineData(14)]
    public void The_second_order_is_the_midpoint_formula(int steps)
    {
        using var scope = NewDisposeScope();
        var schedule = Sigmas.Explicit(steps, 2);
        var (state, before) = (Noise(2), (Tensor?)null);
        for (var step = 0; step < steps; step++)
        {
            var (s, t) = (schedule.Sigma(step), schedule.Sigma(step + 1));
            var velocity = Curved(state, step);
            var data = state - (s * velocity);
            // The ends, and the step before the last of a short schedule, take the DDIM form; from σ = 1 nothing can be extrapolated.
            if (step <= 1 || step == steps - 1 || (steps < 15 && step == steps - 2))
            {
                state = ((1 - t) * data) + (t * (state + ((1 - s) * velocity)));
            }
            else
            {
                var (h, h0) = (Lambda(t) - Lambda(s), Lambda(s) - Lambda(schedule.Sigma(step - 1)));
                var (r0, alpha) = (h0 / h, 1 - t);
                state = (t / s * state) - (alpha * (Math.Exp(-h) - 1) * data) - (0.5 * alpha * (Math.Exp(-h) - 1) * (data - before!) / r0);
            }
            before = data;
        }
        Agreement.Values(Second.Roll(Noise(2), new SamplingPath(schedule, Curved)), state, "final sample", 1e-12);
    }

    [Fact]
    public void With_a_still_prediction_both_orders_agree_and_reach_it()
    {
        using var scope = NewDisposeScope();
        var schedule = Sigmas.Explicit(20, 3);
        var data = Noise(4);
        var path = new SamplingPath(schedule, (latents, step) => (latents - data) / schedule.Sigma(step));
        Agreement.Values(Second.Roll(Noise(3), path with { To = 12 }), First.Roll(Noise(3), path with { To = 12 }), "state", 1e-12);
        Agreement.Values(Second.Roll(Noise(3), path), data, "final sample", 1e-12);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_constant_velocity_is_integrated_exactly(int order)
    {
        using var scope = NewDisposeScope();
        var slope = Noise(6);
        var end = new DpmSampler(new DpmSettings { Order = order }).Roll(Noise(5), new SamplingPath(Sigmas.Explicit(17, 3), (_, _) => slope.alias()));
        Agreement.Values(end, Noise(5) - slope, "final sample", 1e-12);
    }

    [Fact]
    public void The_error_falls_with_the_order_of_the_method()
    {
        // Away from the ends, where all steps but the first are of second order, the slope is clean. Over the whole path the steps near the data, whose lengths in λ
        // differ much, cost a logarithm: the error falls as ln N / N².
        Assert.InRange(Slope(Second, 0.2, 0.8), 1.95, 2.05);
        Assert.InRange(Slope(First, 0.2, 0.8), 0.95, 1.05);
        Assert.InRange(Slope(Second, 0, 1), 1.7, 2.05);
        Assert.InRange(Slope(First, 0, 1), 0.95, 1.05);

        static double Slope(DpmSampler sampler, double low, double high) => Math.Log2(Error(sampler, 160, low, high) / Error(sampler, 320, low, high));
    }

    [Fact]
    public void Gradients_pass_through_every_step_when_they_are_on()
    {
        using var scope = NewDisposeScope();
        var factor = tensor(0.5, dtype: float64).requires_grad_();
        End(factor).backward();
        const double h = 1e-5;
        using var _ = no_grad();
        Assert.Equal((End(factor + h) - End(factor - h)).item<double>() / (2 * h), factor.grad!.item<double>(), 1e-8);

        static Tensor End(Tensor factor) => Second.Roll(Noise(7), new SamplingPath(Sigmas.Explicit(16, 1), (latents, _) => (latents * factor).sin())).sum();
    }

    [Fact]
    public void A_piece_of_the_path_begins_without_a_past()
    {
        using var scope = NewDisposeScope();
        var path = new SamplingPath(Sigmas.Explicit(20, 3), Curved);
        var middle = Second.Roll(Noise(8), path with { To = 10 });
        Agreement.Values(Second.Roll(middle, path with { From = 10, To = 11 }), First.Roll(middle, path with { From = 10, To = 11 }), "state", 1e-12);
        Assert.True(Second.Roll(middle, path with { From = 4, To = 4 }).equal(middle).all().item<bool>());
        var difference = (Second.Roll(middle, path with { From = 10, To = 12 }) - First.Roll(middle, path with { From = 10, To = 12 })).abs().max().item<double>();
        Assert.True(difference > 1e-6, $"the second step of a piece is of second order, but differs by {difference:G3} only");
    }

    [Fact]
    public void Tensors_alive_do_not_grow_with_the_number_of_steps()
    {
        Assert.Equal(PeakTensors(20), PeakTensors(80));

        static (long Peak, long After) PeakTensors(int steps)
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var noise = ones(2, 3);
            long peak = 0, before = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
            var end = new DpmSampler(new DpmSettings { Eta = 0.5 }).Roll(noise, new SamplingPath(Sigmas.Explicit(steps, 1), (latents, _) =>
            {
                peak = Math.Max(peak, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
                return latents.neg();
            })
            { Noise = _ => ones(2, 3) });
            Assert.False(end.IsInvalid);
            return (peak - before, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount - before);
        }
    }

    /// <summary>The error at the end of <c>dx/dσ = a x</c>, whose solution is <c>C e^{aσ}</c>, over [low, high] in N steps.</summary>
    private static double Error(DpmSampler sampler, int steps, double low, double high)
    {
        using var scope = NewDisposeScope();
        const double a = 1.5;
        var sigmas = Enumerable.Range(0, steps + 1).Select(step => high + ((low - high) * step / steps));
        var path = new SamplingPath(new Schedule(low > 0 ? sigmas.Append(0) : sigmas), static (latents, _) => latents * a) { To = steps };
        return Math.Abs(sampler.Roll(tensor(new[] { Math.Exp(a * high) }), path).item<double>() - Math.Exp(a * low));
    }

    private static double Lambda(double sigma) => Math.Log(1 - sigma) - Math.Log(sigma);

    private static Tensor Noise(long seed) => RandomKey.OfRun(seed).Normal([2, 3, 4, 4], CPU).to(float64);

    private static Tensor Curved(Tensor latents, int step) => (latents * 1.3).sin() + (0.1 * step);
}
