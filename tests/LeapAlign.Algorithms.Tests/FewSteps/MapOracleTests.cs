using FsCheck;
using FsCheck.Xunit;
using LeapAlign.Algorithms.FewSteps.Maps;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Maps;
using LeapAlign.Methods.Matching;
using LeapAlign.Samplers.FlowEuler;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FewSteps.Tests;

/// <summary>The conditions of a flow map against maps that are known in closed form.</summary>
public sealed class MapOracleTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    [Theory]
    [InlineData(1, 0, 0.8, 1.54, -0.24)]
    [InlineData(1, 0.5, 0.8, 1.082406151, 0.435187698)]
    [InlineData(0.5, 0, -0.039024390, 1.811859600, -1.023719200)]
    [InlineData(0.7, 0.2, 0.566837107, 1.442027719, -0.284055439)]
    public void The_map_of_a_gaussian_is_what_is_published(double from, double to, double velocity, double end, double mean)
    {
        var x = tensor([1.3], dtype: float64);
        Assert.Equal(velocity, GaussianMap.Velocity(x, [(from, from)]).item<double>(), 5e-10);
        Assert.Equal(mean, GaussianMap.Velocity(x, [(from, to)]).item<double>(), 5e-10);
        Assert.Equal(end, Jump.Of(x, GaussianMap.Velocity(x, [(from, to)]), [(from, to)]).item<double>(), 5e-10);
    }

    [Property(MaxTest = 30)]
    public bool Every_condition_vanishes_on_a_map_and_the_error_of_a_difference_falls_as_its_square(PositiveInt one, PositiveInt other, PositiveInt part)
    {
        using var scope = NewDisposeScope();
        var (first, second) = ((one.Get % 90 + 5) / 100.0, (other.Get % 90 + 5) / 100.0);
        if (first == second) return true;
        (double From, double To)[] times = [(Math.Max(first, second), Math.Min(first, second))];
        var x = tensor([1.3, -0.2], dtype: float64).unsqueeze(1);
        double Residual(Func<MapErrors, Tensor> of, double h) => of(new MapErrors(GaussianMap.Velocity) { Difference = h }).sqrt().max().item<double>();
        bool FallsAsSquare(Func<MapErrors, Tensor> of) => Residual(of, 0.02) is var wide && Residual(of, 0.01) is var narrow && wide < 0.02 && (wide < 1e-6 || Math.Abs((wide / narrow) - 4) < 0.6);
        return Residual(errors => errors.Semigroup(x, times, [part.Get % 99 / 99.0]), 0) < 1e-14
            && FallsAsSquare(errors => errors.Lagrangian(x, times, asTarget: true))
            && FallsAsSquare(errors => errors.Lagrangian(x, times, asTarget: false))
            && FallsAsSquare(errors => errors.Eulerian(x, times));
    }

    public static TheoryData<string, double, double[]> Losses => new()
    {
        { "diagonal", 0.897187840, [-1.818624000, -1.454899200, -1.454899200, -1.894400000] },
        { "lsd", 0.073152939, [-0.519298560, -0.415438848, 0.103859712, -0.540936000] },
        { "lsd-t", 0.073152939, [-0.519298560, -0.415438848, -0.155789568, -0.540936000] },
        { "esd-t", 0.072979942, [-0.518684160, -0.414947328, -0.155605248, -0.540296000] },
        { "psd", 0.003104687, [-0.106981862, -0.085585490, -0.032094559, -0.111439440] },
    };

    [Theory]
    [MemberData(nameof(Losses))]
    public void Losses_and_gradients_are_those_worked_out_by_hand(string loss, double value, double[] gradients)
    {
        Tensor[] weights = [.. new[] { 0.6, -0.4, 0.5, 0.1 }.Select(static number => tensor(number, dtype: float64).requires_grad_())];
        Tensor Map(Tensor x, IReadOnlyList<(double From, double To)> times) =>
            ((weights[0] + (weights[1] * Jump.Each(x, times, static time => time.From)) + (weights[2] * Jump.Each(x, times, static time => time.To))) * x) + weights[3];
        var at = new NoisedSamples(tensor([-0.4], dtype: float64), tensor([1.3], dtype: float64), [0.8]);
        var errors = new MapErrors(Map);
        (double, double)[] times = [(0.8, 0.3)];
        var found = loss switch
        {
            "diagonal" => errors.Diagonal(at),
            "lsd" => errors.Lagrangian(at.Latents, times, asTarget: false),
            "lsd-t" => errors.Lagrangian(at.Latents, times, asTarget: true),
            "esd-t" => errors.Eulerian(at.Latents, times),
            _ => errors.Semigroup(at.Latents, times, [0.3]),
        };
        Assert.Equal(value, found.item<double>(), 1e-9);
        found.sum().backward();
        for (var weight = 0; weight < 4; weight++) Assert.Equal(gradients[weight], weights[weight].grad!.item<double>(), 1e-8);
    }

    [Fact]
    public void A_map_that_does_not_look_at_its_end_meets_every_condition_where_its_paths_are_straight()
    {
        // v = x / σ is constant along x = σ ε.
        Tensor Straight(Tensor x, IReadOnlyList<(double From, double To)> times) => x / Jump.Each(x, times, static time => time.From);
        Tensor Bent(Tensor x, IReadOnlyList<(double From, double To)> times) => x * Jump.Each(x, times, static time => time.From);
        var x = tensor([0.9, -1.4], dtype: float64);
        (double, double)[] times = [(0.8, 0.3), (0.6, 0.5)];
        foreach (var of in new Func<MapErrors, Tensor>[] { errors => errors.Semigroup(x, times, [0.5]), errors => errors.Lagrangian(x, times, asTarget: true), errors => errors.Eulerian(x, times) })
        {
            Assert.True(of(new MapErrors(Straight)).max().item<double>() < 1e-20);
            Assert.True(of(new MapErrors(Bent)).min().item<double>() > 1e-5);
        }
    }

    [Fact]
    public void No_gradient_reaches_a_target()
    {
        List<(double From, double To, bool Gradient)> calls = [];
        var weight = tensor(0.7, dtype: float64).requires_grad_();
        Tensor Map(Tensor x, IReadOnlyList<(double From, double To)> times)
        {
            calls.Add((Math.Round(times[0].From, 6), Math.Round(times[0].To, 6), is_grad_enabled()));
            Assert.False(!is_grad_enabled() && x.requires_grad, "a target is made of a state with a graph");
            return (weight * x).tanh() + Jump.Each(x, times, static time => time.From * time.To);
        }

        var x = tensor([0.9], dtype: float64).requires_grad_();
        (double, double)[] times = [(0.8, 0.3)];
        var errors = new MapErrors(Map);
        List<(double, double, bool)> Of(Func<Tensor> loss)
        {
            calls.Clear();
            loss().sum().backward();
            return [.. calls];
        }

        Assert.Equal([(0.8, 0.3, true), (0.8, 0.55, false), (0.55, 0.3, false)], Of(() => errors.Semigroup(x, times, [0.5])));
        Assert.Equal([(0.8, 0.3, true), (0.8, 0.31, false), (0.8, 0.29, false), (0.3, 0.3, false)], Of(() => errors.Lagrangian(x, times, asTarget: true)));
        Assert.Equal([(0.8, 0.3, true), (0.8, 0.31, true), (0.8, 0.29, true), (0.3, 0.3, false)], Of(() => errors.Lagrangian(x, times, asTarget: false)));
        Assert.Equal([(0.8, 0.8, false), (0.81, 0.3, false), (0.79, 0.3, false), (0.8, 0.3, true)], Of(() => errors.Eulerian(x, times)));
        // With what was evaluated before, nothing is evaluated again.
        var known = Map(x, times);
        Assert.Equal([(0.8, 0.55, false), (0.55, 0.3, false)], Of(() => errors.Semigroup(x, times, [0.5], known)));
    }

    [Theory]
    [InlineData(0.995, 0.4)]
    [InlineData(0.7, 0.004)]
    [InlineData(1, 0)]
    public void At_the_ends_of_time_differences_are_one_sided(double from, double to)
    {
        Tensor Map(Tensor x, IReadOnlyList<(double From, double To)> times)
        {
            Assert.All(times, static time => Assert.True(time is { From: >= 0 and <= 1, To: >= 0 and <= 1 }));
            // Linear in all of x, s and t: any difference is exact, if it is divided by what it spans.
            return (0.5 * x) + Jump.Each(x, times, static time => (0.3 * time.From) - (0.8 * time.To));
        }

        var x = tensor([0.6], dtype: float64);
        (double, double)[] times = [(from, to)];
        var (u, v) = ((0.5 * 0.6) + (0.3 * from) - (0.8 * to), (0.5 * 0.6) - (0.5 * from));
        var reached = 0.6 + ((to - from) * u);
        var lagrangian = u - ((0.5 * reached) - (0.5 * to) - ((to - from) * -0.8));
        var eulerian = u - (v + ((to - from) * (0.3 + (0.5 * v))));
        Assert.Equal(lagrangian * lagrangian, new MapErrors(Map).Lagrangian(x, times, asTarget: true).item<double>(), 1e-12);
        Assert.Equal(lagrangian * lagrangian, new MapErrors(Map).Lagrangian(x, times, asTarget: false).item<double>(), 1e-12);
        Assert.Equal(eulerian * eulerian, new MapErrors(Map).Eulerian(x, times).item<double>(), 1e-12);
    }

    [Fact]
    public void A_teacher_stands_where_the_maps_own_velocity_would()
    {
        List<double> taught = [];
        var errors = new MapErrors(GaussianMap.Velocity)
        {
            Teacher = (x, sigmas) =>
            {
                Assert.False(is_grad_enabled());
                taught.AddRange(sigmas);
                return GaussianMap.Velocity(x, Jump.Still(sigmas)) + 0.25;
            },
        };
        var at = new NoisedSamples(tensor([-0.4], dtype: float64), tensor([1.3], dtype: float64), [0.8]);
        (double, double)[] times = [(0.8, 0.3)];
        // All else is exact, so that what is left is what the teacher differs by.
        Assert.Equal(0.0625, errors.Diagonal(at).item<double>(), 1e-12);
        Assert.Equal(0.0625, errors.Lagrangian(at.Latents, times, asTarget: true).item<double>(), 1e-4);
        errors.Eulerian(at.Latents, times);
        Assert.Equal([0.8, 0.3, 0.8], taught);
    }

    [Fact]
    public void Jumps_along_a_grid_are_those_worked_out_by_hand_and_on_a_map_all_grids_reach_the_same()
    {
        static Tensor Linear(Tensor x, (double From, double To) time) => (0.6 * x) + (-0.4 * time.From) + (0.2 * time.To);
        var noise = tensor([1.5], dtype: float64);
        Assert.Equal(0.915327616, Rolled(noise, new Schedule([1, 0.8, 0.5, 0.2, 0]), Linear).item<double>(), 5e-10);
        static Tensor Gaussian(Tensor x, (double From, double To) time) => GaussianMap.Velocity(x, [time]);
        foreach (var grid in new double[][] { [1, 0], [1, 0.9, 0.1, 0], [1, 0.5, 0] }) Assert.Equal(GaussianFlow.Path(1.5, 0), Rolled(noise, new Schedule(grid), Gaussian).item<double>(), 1e-12);
    }

    [Fact]
    public void Where_ends_change_nothing_jumps_are_euler_steps_to_the_bit()
    {
        var noise = randn(4, 3);
        var schedule = new Schedule([1, 0.83, 0.41, 0.2, 0]);
        Tensor Velocity(Tensor x, double sigma) => (x * 1.3f).tanh() - (float)sigma;
        using var _ = no_grad();
        var euler = new FlowEulerSampler(new FlowEulerSettings()).Roll(noise, new SamplingPath(schedule, (x, step) => Velocity(x, schedule.Sigma(step))));
        Assert.True(euler.equal(Rolled(noise, schedule, (x, time) => Velocity(x, time.From))).all().item<bool>());
    }

    [Fact]
    public void The_sampler_calls_no_velocity_and_needs_a_map()
    {
        var sampler = new FlowMapSampler(new FlowMapSamplerSettings());
        var path = new SamplingPath(new Schedule([1, 0.5, 0]), static (_, _) => throw new InvalidOperationException("a velocity was called"));
        List<(int, int)> jumps = [];
        sampler.Roll(zeros(1), path with
        {
            Map = (x, from, to) =>
            {
                jumps.Add((from, to));
                return zeros_like(x);
            },
        });
        Assert.Equal([(0, 1), (1, 2)], jumps);
        Assert.Throws<InvalidOperationException>(() => sampler.Roll(zeros(1), path));
        Assert.Equal(4, new FlowMapSamplerSettings().Steps);
    }

    public void Dispose() => _scope.Dispose();

    private static Tensor Rolled(Tensor noise, Schedule schedule, Func<Tensor, (double From, double To), Tensor> map) =>
        new FlowMapSampler(new FlowMapSamplerSettings()).Roll(noise, new SamplingPath(schedule, static (x, _) => x) { Map = (x, from, to) => map(x, (schedule.Sigma(from), schedule.Sigma(to))) });

    /// <summary>The flow map of data N(m, s²).</summary>
    private static class GaussianMap
    {
        public static Tensor Velocity(Tensor x, IReadOnlyList<(double From, double To)> times)
        {
            double Spread(double sigma) => Math.Sqrt(((1 - sigma) * (1 - sigma) * GaussianFlow.S * GaussianFlow.S) + (sigma * sigma));
            var centred = x - Jump.Each(x, times, static time => (1 - time.From) * GaussianFlow.M);
            // ((Spread(t) / Spread(s)) − 1) / (t − s) without the difference, so that the diagonal is no exception.
            return (centred * Jump.Each(x, times, time => ((GaussianFlow.S * GaussianFlow.S * (time.From + time.To - 2)) + time.From + time.To) / (Spread(time.From) * (Spread(time.From) + Spread(time.To))))) - GaussianFlow.M;
        }
    }
}
