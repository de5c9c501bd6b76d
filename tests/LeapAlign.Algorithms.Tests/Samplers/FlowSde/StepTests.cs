using FsCheck;
using FsCheck.Xunit;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Schedules;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Samplers.FlowSde.Tests;

/// <summary>What the steps must be whatever the numbers are.</summary>
public sealed class StepTests
{
    private static readonly Schedule Schedule = Sigmas.Explicit(12, 3);

    public static TheoryData<string> All => ["flow-sde", "dance-sde", "cps"];

    [Theory]
    [MemberData(nameof(All))]
    public void Without_a_noise_level_every_step_is_the_Euler_step_to_the_bit(string id)
    {
        using var scope = NewDisposeScope();
        var (x, v) = (Draw("x"), Draw("v"));
        for (var step = 0; step < Schedule.Steps; step++)
        {
            var transition = Sampler(id, 0).Transition(x, v, Schedule, step);
            Assert.Equal(0, transition.Deviation);
            Assert.True(Same(RectifiedFlow.Leap(x, v, Schedule.Delta(step, step + 1)), transition.Mean));
            Assert.True(Same(transition.Mean, transition.Next(Draw("z"))));
            Assert.Throws<InvalidOperationException>(() => transition.LogProbability(x));
        }
    }

    [Property(MaxTest = 100)]
    public bool Both_diffusions_are_one_family(PositiveInt hundredths, PositiveInt at)
    {
        using var scope = NewDisposeScope();
        var (x, v, step) = (Draw("x"), Draw("v"), at.Get % (Schedule.Steps - 1));
        var flow = new FlowSdeSampler(new FlowSdeSettings { NoiseLevel = hundredths.Get % 100 / 100.0 }).Transition(x, v, Schedule, step);
        var dance = new DanceSdeSampler(new DanceSdeSettings { Eta = flow.Scale }).Transition(x, v, Schedule, step);
        return Same(flow.Mean, dance.Mean) && flow.Deviation == dance.Deviation;
    }

    [Property(MaxTest = 100)]
    public bool Below_the_pole_the_mean_of_flow_sde_has_a_closed_form(PositiveInt hundredths, PositiveInt at)
    {
        using var scope = NewDisposeScope();
        var (a, step) = ((hundredths.Get % 100) / 100.0, 1 + (at.Get % (Schedule.Steps - 1)));
        var (x, v) = (Draw("x").to(float64), Draw("v").to(float64));
        var (sigma, delta) = (Schedule.Sigma(step), Schedule.Delta(step, step + 1));
        var mean = new FlowSdeSampler(new FlowSdeSettings { NoiseLevel = a }).Transition(x, v, Schedule, step).Mean;
        var expected = (x * (1 + (a * a * delta / (2 * (1 - sigma))))) + (v * ((1 + (a * a / 2)) * delta));
        return (mean - expected).abs().max().item<double>() < 1e-12;
    }

    [Fact]
    public void A_first_noise_level_that_misses_one_by_rounding_is_still_the_pole()
    {
        using var scope = NewDisposeScope();
        var sampler = new FlowSdeSampler(new FlowSdeSettings { NoiseLevel = 0.7 });
        double[] tail = [0.9, 0.5, 0];
        double Deviation(double first) => sampler.Transition(Draw("x"), Draw("v"), new Schedule([first, .. tail]), 0).Deviation;
        Assert.Equal(0.7, Deviation(1), 1e-12);
        Assert.Equal(Deviation(1), Deviation(0.9999), 1e-3);
        var below = 0.95;
        Assert.Equal(0.7 * Math.Sqrt(below / (1 - below) * (below - tail[0])), Deviation(below), 1e-12);
    }

    [Fact]
    public void Another_level_can_stand_for_one_at_the_pole()
    {
        using var scope = NewDisposeScope();
        var sampler = new FlowSdeSampler(new FlowSdeSettings { NoiseLevel = 0.5, SigmaMax = 0.98 });
        Assert.Equal(0.5 / Math.Sqrt(1 - 0.98), sampler.Transition(Draw("x"), Draw("v"), Schedule, 0).Scale, 1e-12);
    }

    [Fact]
    public void The_last_step_of_cps_and_of_the_final_prediction_of_dance_is_the_predicted_sample()
    {
        using var scope = NewDisposeScope();
        var (x, v, last) = (Draw("x"), Draw("v"), Schedule.Steps - 1);
        var predicted = RectifiedFlow.Leap(x, v, -Schedule.Sigma(last));
        foreach (var sampler in (IStochasticSampler[])[new CpsSampler(new CpsSettings()), new DanceSdeSampler(new DanceSdeSettings())])
        {
            var transition = sampler.Transition(x, v, Schedule, last);
            Assert.Equal(0, transition.Deviation);
            Assert.True(Same(predicted, transition.Mean));
        }
        Assert.True(new DanceSdeSampler(new DanceSdeSettings { FinalPrediction = false }).Transition(x, v, Schedule, last).Deviation > 0);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void The_log_probability_is_the_density_worked_out_dimension_by_dimension(string id)
    {
        using var scope = NewDisposeScope();
        for (var step = 0; step < Schedule.Steps - 1; step++)
        {
            var transition = Sampler(id, 0.6).Transition(Draw("x").to(float64), Draw("v").to(float64), Schedule, step);
            var next = transition.Next(Draw("z").to(float64));
            var (means, nexts) = (transition.Mean.flatten(1), next.flatten(1));
            var actual = transition.LogProbability(next).data<double>().ToArray();
            for (var sample = 0; sample < actual.Length; sample++)
            {
                var pairs = nexts[sample].data<double>().ToArray().Zip(means[sample].data<double>().ToArray());
                var expected = id == "cps"
                    ? pairs.Average(static pair => -Math.Pow(pair.First - pair.Second, 2))
                    : pairs.Average(pair => Math.Log(Density(pair.First, pair.Second, transition.Deviation)));
                Assert.Equal(expected, actual[sample], 1e-10);
            }
        }

        static double Density(double x, double mean, double deviation) =>
            Math.Exp(-0.5 * Math.Pow((x - mean) / deviation, 2)) / (deviation * Math.Sqrt(2 * Math.PI));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Gradient_of_the_log_probability_reaches_the_velocity_through_the_mean_alone(string id)
    {
        using var scope = NewDisposeScope();
        var (x, z) = (Draw("x").to(float64), Draw("z").to(float64));
        var v = Draw("v").to(float64).requires_grad_();
        const int step = 4;
        var transition = Sampler(id, 0.6).Transition(x, v, Schedule, step);
        transition.LogProbability(transition.Next(z)).sum().backward();
        // The step is linear in v: its slope is what v = 1 adds to v = 0.
        var slope = (Sampler(id, 0.6).Transition(x, ones_like(x), Schedule, step).Mean - Sampler(id, 0.6).Transition(x, zeros_like(x), Schedule, step).Mean).flatten()[0].item<double>();
        var dimensions = x.numel() / x.shape[0];
        // On the sampled state itself x' − μ = c z: the score is z / (c D) ∂μ/∂v, and 2 c z / D ∂μ/∂v for the plain squared error.
        var factor = id == "cps" ? 2 * transition.Deviation : 1 / transition.Deviation;
        Agreement.Values(v.grad!, z * (factor / dimensions * slope), "gradient", 1e-12);
    }

    internal static IStochasticSampler Sampler(string id, double level) => id switch
    {
        "flow-sde" => new FlowSdeSampler(new FlowSdeSettings { NoiseLevel = level }),
        "dance-sde" => new DanceSdeSampler(new DanceSdeSettings { Eta = level }),
        _ => new CpsSampler(new CpsSettings { NoiseLevel = level }),
    };

    private static Tensor Draw(string name) => RandomKey.OfRun(5).For(name).Normal([2, 3, 4, 4], CPU);

    private static bool Same(Tensor left, Tensor right) => left.equal(right).all().item<bool>();
}
