using FsCheck;
using FsCheck.Xunit;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Methods.Leaps;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.LeapAlign.Tests;

/// <summary>The scalar linear network: what the step descends, against derivatives worked out by hand.</summary>
public sealed class OracleTests
{
    [Theory]
    [InlineData(0, 2, 0.0, -1.372, -0.75)]
    [InlineData(0, 2, 0.3, -1.3045, -0.705)]
    [InlineData(0, 2, 1.0, -1.147, -0.6)]
    [InlineData(1, 2, 0.3, -1.0042, -0.4684)]
    [InlineData(1, 3, 0.3, -1.025776, -0.50272)]
    public void Derivatives_of_the_final_sample(int k, int j, double alpha, double expectedA, double expectedB)
    {
        using var scope = NewDisposeScope();
        var network = new LinearNetwork();
        var objective = network.Step(new LeapAlignSettings { Alpha = alpha, Hinge = 100 }, new LeapPair(k, j));
        objective.Loss.backward();
        // The hinge turns the reward's sign and the weight scales it: loss = w (λ − x_0).
        var weight = Measured(objective, "weight");
        Assert.Equal(expectedA, network.A.grad!.item<double>() / -weight, 1e-12);
        Assert.Equal(expectedB, network.B.grad!.item<double>() / -weight, 1e-12);
        Assert.Equal(0.9664704, Measured(objective, "reward"), 1e-12);
    }

    [Fact]
    public void Distances_and_weight_of_a_step()
    {
        using var scope = NewDisposeScope();
        var objective = new LinearNetwork().Step(new LeapAlignSettings { Tau = 0.1 }, new LeapPair(0, 2));
        Assert.Equal(0.006, Measured(objective, "distance_j"), 1e-12);
        Assert.Equal(0.0043296, Measured(objective, "distance_0"), 1e-12);
        Assert.Equal(5, Measured(objective, "weight"), 1e-12);
        var open = new LinearNetwork().Step(new LeapAlignSettings { Tau = 1e-3 }, new LeapPair(0, 2));
        Assert.Equal(1 / (0.006 + 0.0043296), Measured(open, "weight"), 1e-9);
    }

    [Fact]
    public void A_step_costs_N_evaluations_two_of_them_with_gradient()
    {
        using var scope = NewDisposeScope();
        var network = new LinearNetwork();
        network.Step(new LeapAlignSettings(), new LeapPair(1, 3));
        Assert.Equal([(0, false), (1, true), (2, false), (3, true)], network.Calls);
    }

    [Property(MaxTest = 30)]
    public bool The_gradient_is_affine_in_alpha(PositiveInt hundredths)
    {
        using var scope = NewDisposeScope();
        var alpha = hundredths.Get % 101 / 100.0;
        double Gradient(double value)
        {
            var network = new LinearNetwork();
            network.Step(new LeapAlignSettings { Alpha = value, Hinge = 100 }, new LeapPair(0, 2)).Loss.backward();
            return network.A.grad!.item<double>();
        }
        return Math.Abs(Gradient(alpha) - (Gradient(0) + (alpha * (Gradient(1) - Gradient(0))))) < 1e-12;
    }

    [Fact]
    public void Samples_above_the_hinge_contribute_nothing()
    {
        using var scope = NewDisposeScope();
        var network = new LinearNetwork();
        var objective = network.Step(new LeapAlignSettings { Hinge = 0.9 }, new LeapPair(0, 2));
        Assert.Equal(0, objective.Loss.item<double>());
        objective.Loss.backward();
        Assert.Equal(0, network.A.grad!.item<double>());
    }

    [Fact]
    public void The_loss_is_the_weighted_mean_over_the_batch_whatever_its_order()
    {
        using var scope = NewDisposeScope();
        double[] noise = [1.5, -0.7, 0.2, 2.4];
        var settings = new LeapAlignSettings { Tau = 1e-4 };
        var together = new LinearNetwork().Step(settings, new LeapPair(0, 2), noise: noise).Loss.item<double>();
        var alone = noise.Average(value => new LinearNetwork().Step(settings, new LeapPair(0, 2), noise: [value]).Loss.item<double>());
        var reversed = new LinearNetwork().Step(settings, new LeapPair(0, 2), noise: [.. noise.Reverse()]).Loss.item<double>();
        Assert.Equal(alone, together, 1e-12);
        Assert.Equal(together, reversed, 1e-12);
    }

    [Fact]
    public void Hard_filters_leave_samples_out_of_the_mean()
    {
        using var scope = NewDisposeScope();
        double[] noise = [1.5, 40];
        var all = new LeapAlignSettings { Hinge = 1000 };
        var alone = new LinearNetwork().Step(all, new LeapPair(0, 2), noise: [1.5]).Loss.item<double>();
        var byJ = new LinearNetwork().Step(all with { MaxDistanceJ = 0.1 }, new LeapPair(0, 2), noise: noise);
        var by0 = new LinearNetwork().Step(all with { MaxDistance0 = 0.1 }, new LeapPair(0, 2), noise: noise);
        Assert.Equal(alone, byJ.Loss.item<double>(), 1e-12);
        Assert.Equal(alone, by0.Loss.item<double>(), 1e-12);
        Assert.Equal(0, new LinearNetwork().Step(all with { MaxDistanceJ = 0 }, new LeapPair(0, 2), noise: noise).Loss.item<double>());
    }

    [Fact]
    public void The_gradient_is_the_derivative_of_the_stated_surrogate()
    {
        // x_0^c as a function of the weights, everything detached held at its value: worked out here without the product's code.
        using var scope = NewDisposeScope();
        const double alpha = 0.3, a = 0.6, b = -0.4;
        var network = new LinearNetwork();
        var objective = network.Step(new LeapAlignSettings { Alpha = alpha, Hinge = 100 }, new LeapPair(0, 2));
        objective.Loss.backward();
        double Surrogate(double da, double db)
        {
            var leap = 1.5 + (-0.5 * (((a + da) * 1.5) + (b + db)));
            var reached = 1.244;
            var connected = reached + (leap - 1.25);
            var input = reached + (alpha * (connected - reached));
            return connected - (0.5 * (((a + da) * input) + ((b + db) * 0.5)));
        }
        const double h = 1e-6;
        var weight = Measured(objective, "weight");
        Assert.Equal((Surrogate(h, 0) - Surrogate(-h, 0)) / (2 * h), network.A.grad!.item<double>() / -weight, 1e-8);
        Assert.Equal((Surrogate(0, h) - Surrogate(0, -h)) / (2 * h), network.B.grad!.item<double>() / -weight, 1e-8);
    }

    [Fact]
    public void Too_short_a_schedule_is_refused_before_the_run() =>
        Assert.False(new LeapAlignAlgorithm(new LeapAlignSettings { MinReverse = 9 }, static (_, _) => default).Check(new RunShape(new Schedule([1, 0.5, 0]), 4)).IsOk);

    [Fact]
    public void The_loss_of_several_pairs_is_the_mean_over_them_and_their_rollout_is_shared()
    {
        using var scope = NewDisposeScope();
        LeapPair[] pairs = [new(0, 2), new(1, 3), new(0, 3)];
        var settings = new LeapAlignSettings { Tau = 1e-4 };
        (double Loss, double A) Alone(LeapPair pair)
        {
            var network = new LinearNetwork();
            var loss = network.Step(settings, pair).Loss;
            loss.backward();
            return (loss.item<double>(), network.A.grad!.item<double>());
        }
        var together = new LinearNetwork();
        var objective = together.Step(settings, pairs, noise: [1.5]);
        objective.Loss.backward();
        Assert.Equal(pairs.Average(pair => Alone(pair).Loss), objective.Loss.item<double>(), 1e-12);
        Assert.Equal(pairs.Average(pair => Alone(pair).A), together.A.grad!.item<double>(), 1e-12);
        // Step 0 is evaluated once for two pairs, step 3 once for each of two.
        Assert.Equal([(0, true), (1, true), (2, true), (3, true), (3, true)], together.Calls);
    }

    private static double Measured(Objective objective, string name) =>
        objective.Measurements.Single(measured => measured.Name == name).Value.to(float64).item<double>();
}
