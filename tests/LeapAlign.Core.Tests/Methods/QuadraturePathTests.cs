using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Quadrature;
using LeapAlign.Methods.Schedules;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Methods.Tests;

/// <summary>Leaps along a rollout of the scalar network.</summary>
public sealed class QuadraturePathTests
{
    private static readonly QuadratureLeap[] s_leaps =
    [
        new(1, 3, [new(1, -0.4, -0.4), new(2, -0.2, null)]),
        new(3, 4, [new(3, -0.2, -0.3)]),
    ];

    private readonly ScalarNetwork _network = new() { Noise = [1.5, -0.4] };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_final_sample_is_the_rollouts(bool reforward)
    {
        using var scope = NewDisposeScope();
        var sample = Follow(s_leaps, 0.5, reforward).Sample;
        var reached = new Euler().Roll(_network.Batch(new Euler()).Noise, _network.Batch(new Euler()).Path);
        Agreement.Values(sample, reached, "the final sample", 1e-15);
        Assert.True(sample.requires_grad);
    }

    [Fact]
    public void Recording_evaluates_each_step_once()
    {
        using var scope = NewDisposeScope();
        Follow(s_leaps, 0.5, reforward: false);
        Assert.Equal([(0, false), (1, true), (2, false), (3, true)], _network.Steps);
    }

    [Fact]
    public void Evaluating_again_does_so_for_the_steps_with_gradient_alone()
    {
        using var scope = NewDisposeScope();
        Follow(s_leaps, 0.5, reforward: true);
        Assert.Equal([(0, false), (1, false), (2, false), (3, false), (1, true), (3, true)], _network.Steps);
    }

    [Fact]
    public void Both_ways_give_the_same_gradient_and_distances()
    {
        using var scope = NewDisposeScope();
        var recorded = Descended(s_leaps, 0.5, reforward: false);
        var again = Descended(s_leaps, 0.5, reforward: true);
        Assert.Equal(recorded, again);
    }

    [Fact]
    public void The_value_takes_one_weight_and_the_gradient_another()
    {
        using var scope = NewDisposeScope();
        var path = Follow([new(0, 4, [new(0, 0, 2), new(3, -0.7, 0)])], 1, reforward: false);
        path.Sample.sum().backward();
        // ∂v/∂b is σ; step 3 has no gradient weight, step 0 no value.
        Assert.Equal(2 * 2 * 1.0, _network.B.grad!.item<double>(), 1e-12);
        var noise = tensor(_network.Noise, dtype: float64);
        var rolled = new Euler().Roll(noise, _network.Batch(new Euler()).Path with { To = 3 });
        var final = new Euler().Roll(noise, _network.Batch(new Euler()).Path);
        var expected = (noise + (_network.Evaluate(rolled, [_network.Schedule.Sigma(3)]) * -0.7) - final).abs();
        Agreement.Values(path.Distances[0], expected, "distance", 1e-12);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.3)]
    [InlineData(1)]
    public void A_joint_passes_alpha_of_its_inputs_gradient(double alpha)
    {
        using var scope = NewDisposeScope();
        var (_, b, _) = Descended(s_leaps, alpha, reforward: false);
        // Per sample: −0.4 σ_1 − 0.3 σ_3, and through the network at the joint −0.3 α a · −0.4 σ_1.
        Assert.Equal(2 * ((-0.4 * 0.8) - (0.3 * 0.2) + (0.3 * alpha * 0.6 * 0.4 * 0.8)), b, 1e-12);
    }

    [Fact]
    public void Distances_are_those_of_the_raw_predictions()
    {
        using var scope = NewDisposeScope();
        var distances = Follow(s_leaps, 0.5, reforward: false).Distances;
        double[] state = [.. _network.Noise];
        var velocity = (int i, double x) => (0.6 * x) - (0.4 * _network.Schedule.Sigma(i));
        for (var sample = 0; sample < state.Length; sample++)
        {
            double[] x = new double[5];
            x[0] = state[sample];
            for (var i = 0; i < 4; i++) x[i + 1] = x[i] + (velocity(i, x[i]) * _network.Schedule.Delta(i, i + 1));
            Assert.Equal(Math.Abs(x[1] - (0.4 * velocity(1, x[1])) - (0.2 * velocity(2, x[2])) - x[3]), distances[0][sample].item<double>(), 1e-12);
            Assert.Equal(Math.Abs(x[3] - (0.2 * velocity(3, x[3])) - x[4]), distances[1][sample].item<double>(), 1e-12);
        }
    }

    private (Tensor Sample, IReadOnlyList<Tensor> Distances) Follow(QuadratureLeap[] leaps, double alpha, bool reforward)
    {
        _network.Calls.Clear();
        var path = new QuadraturePath(_network.Batch(new Euler()), leaps, alpha);
        return (path.Follow(reforward), path.Distances);
    }

    private (double A, double B, double Distance) Descended(QuadratureLeap[] leaps, double alpha, bool reforward)
    {
        _network.A.grad = null;
        _network.B.grad = null;
        var (sample, distances) = Follow(leaps, alpha, reforward);
        sample.sum().backward();
        return (_network.A.grad!.item<double>(), _network.B.grad!.item<double>(), distances.Sum(static distance => distance.sum().item<double>()));
    }

    private sealed class Euler : ISampler
    {
        public Schedule CreateSchedule(FlowScheduling scheduling, int? steps = null) => Sigmas.Explicit(steps ?? 4, 1);

        public Tensor Roll(Tensor latents, SamplingPath path) =>
            SamplerFold.Over(latents, path, (state, velocity, step) => RectifiedFlow.Leap(state, velocity, path.Schedule.Delta(step, step + 1)));
    }
}
