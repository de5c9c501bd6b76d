using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Leaps;
using LeapAlign.Pipeline;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.LeapAlign.Tests;

/// <summary>Leaps that are jumps of a flow map: <c>u = a x + b s + c t</c>, by hand.</summary>
public sealed class MapLeapTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    [Theory]
    [InlineData(0.0, -1.35, -0.75, -0.25)]
    [InlineData(0.3, -1.2825, -0.705, -0.2275)]
    [InlineData(1.0, -1.125, -0.6, -0.175)]
    public void Derivatives_of_the_sample(double alpha, double a, double b, double c)
    {
        var network = new MapNetwork { Schedule = new([1, 0.5, 0.25, 0]) };
        var objective = network.Step(Settings with { Alpha = alpha }, new LeapPair(0, 1));
        Assert.Equal(0.94, Measured(objective, "reward"), 1e-12);
        objective.Loss.backward();
        // loss = (λ − x_0) / (2τ).
        Assert.Equal((100 - 0.94) / 0.2, objective.Loss.item<double>(), 1e-9);
        Assert.Equal([a, b, c], network.Weights.Select(static weight => weight.grad!.item<double>() * -0.2), static (one, other) => Math.Abs(one - other) < 1e-12);
        // σ_k is that of the noise: no prefix.
        Assert.Equal([(1, 0.5, "trained", true), (0.5, 0, "trained", true)], network.Calls);
    }

    [Fact]
    public void What_comes_before_the_first_leap_is_one_jump_held_still()
    {
        var network = new MapNetwork { Schedule = new([1, 0.8, 0.5, 0]) };
        network.Step(Settings with { Alpha = 1 }, new LeapPair(1, 2)).Loss.backward();
        Assert.Equal([(1, 0.8, "trained", false), (0.8, 0.5, "trained", true), (0.5, 0, "trained", true)], network.Calls);
        // By hand, with x_k a constant.
        var k = 1.5 - (0.2 * ((0.6 * 1.5) - 0.4 + (0.2 * 0.8)));
        var u = (0.6 * k) - (0.4 * 0.8) + (0.2 * 0.5);
        var j = k - (0.3 * u);
        var expected = (-0.3 * k) - (0.5 * j) - (0.5 * 0.6 * -0.3 * k);
        Assert.Equal(expected, network.Weights[0].grad!.item<double>() * -0.2, 1e-12);
    }

    [Fact]
    public void Guards_are_the_halves_of_the_first_leap_and_the_first_policy()
    {
        var network = new MapNetwork { Schedule = new([1, 0.8, 0.5, 0]), ReferenceShift = 0.05 };
        var objective = network.Step(Settings with { Consistency = 0.1, MapKl = 0.3 }, new LeapPair(1, 2));
        Assert.Equal(
            [
                (1, 0.8, "trained", false), (0.8, 0.5, "trained", true), (0.5, 0, "trained", true),
                (0.8, 0.65, "trained", false), (0.65, 0.5, "trained", false),
                (0.8, 0.5, PolicyCopy.Reference, false), (0.5, 0, PolicyCopy.Reference, false),
            ],
            network.Calls);
        // The reference differs by the same at both leaps.
        Assert.Equal(2 * 0.05 * 0.05, Measured(objective, "kl"), 1e-12);
        var k = 1.5 - (0.2 * ((0.6 * 1.5) - 0.4 + (0.2 * 0.8)));
        double Map(double x, double s, double t) => (0.6 * x) - (0.4 * s) + (0.2 * t);
        var half = Map(k, 0.8, 0.65);
        var residual = Map(k, 0.8, 0.5) - ((half + Map(k - (0.15 * half), 0.65, 0.5)) / 2);
        Assert.Equal(residual * residual, Measured(objective, "consistency"), 1e-12);
        Assert.Equal(((100 - Measured(objective, "reward")) / 0.2) + (0.1 * residual * residual) + (0.3 * 0.005), objective.Loss.item<double>(), 1e-9);
        // The guards have gradients of their own, which reach no target: that of c is t's share of each residual.
        objective.Loss.backward();
        var (plain, guarded) = (new MapNetwork { Schedule = network.Schedule, ReferenceShift = 0.05 }, network.Weights[2].grad!.item<double>());
        plain.Step(Settings, new LeapPair(1, 2)).Loss.backward();
        // The distances differ by c's share in u_k, in u_j, and in what u_k moves of u_j's input where alpha lets it.
        var viaInput = 0.3 * 0.6 * -0.3 * 0.5;
        Assert.Equal((0.1 * 2 * residual * 0.5) + (0.3 * 2 * -0.05 * (0.5 + 0 + viaInput)), guarded - plain.Weights[2].grad!.item<double>(), 1e-9);
    }

    [Fact]
    public void Continuous_anchors_are_each_samples_own_whatever_the_micro_batch()
    {
        (double, double)[] Of(int[] samples)
        {
            var network = new MapNetwork { Schedule = new([1, 0.5, 0]), Samples = samples };
            network.Step(Settings with { Map = MapLeapKind.Continuous }, new LeapPair(0, 1));
            return [.. network.Anchors];
        }

        var together = Of([0, 1, 2]);
        Assert.Equal(3, together.Distinct().Count());
        Assert.All(together, static anchor => Assert.True(anchor is { Item1: > 0 and < 1, Item2: > 0 } && anchor.Item1 > anchor.Item2));
        Assert.Equal(together, Of([0]).Concat(Of([1, 2])));
    }

    [Fact]
    public void A_sample_costs_one_evaluation_and_two_with_gradient_and_what_guards_it()
    {
        var part = new LeapAlignPlugin().Parts.Single();
        string Cost(string json) => part.Cost(part.ReadSettings(json), 25)!.ToString();
        Assert.Equal("1 F + 2 G + 1 V", Cost("""{"map": "continuous", "consistency": 0, "mapKl": 0}"""));
        Assert.Equal("5 F + 2 G + 1 V", Cost("""{"map": "steps"}"""));
        Assert.Equal("23 F + 2 G + 1 V", Cost("{}"));
        Assert.Equal([Capabilities.DifferentiableReward, Capabilities.FlowMap, Capabilities.ReferencePolicy], part.Requires(part.ReadSettings("""{"map": "steps"}""")));
        Assert.Equal([Capabilities.DifferentiableReward, Capabilities.FlowMap], part.Requires(part.ReadSettings("""{"map": "steps", "mapKl": 0}""")));
        Assert.Equal([Capabilities.DifferentiableReward, Capabilities.VelocityPath], part.Requires(part.ReadSettings("{}")));
    }

    [Theory]
    [InlineData("""{"map": "steps", "pairs": 2}""", "pairs")]
    [InlineData("""{"map": "continuous", "maxDistance0": 1}""", "maxDistance0")]
    [InlineData("""{"map": "continuous", "maxDistanceJ": 1}""", "maxDistanceJ")]
    public void Settings_of_rollouts_are_refused(string json, string setting)
    {
        var part = new LeapAlignPlugin().Parts.Single();
        var algorithm = new LeapAlignAlgorithm((LeapAlignSettings)part.ReadSettings(json), static (_, _) => new LeapPair(0, 1));
        var fault = algorithm.Check(new RunShape(new Schedule([1, 0.75, 0.5, 0.25, 0]), 1)).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal(FaultCodes.SettingsDoNotFit, fault?.Code);
        Assert.Contains($"where {setting} means", fault!.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _scope.Dispose();

    private static LeapAlignSettings Settings => new() { Map = MapLeapKind.Steps, Hinge = 100, Consistency = 0, MapKl = 0 };

    private static double Measured(Objective objective, string name) => objective.Measurements.Single(measured => measured.Name == name).Value.to(float64).mean().item<double>();

    private sealed class MapNetwork : IStepServices
    {
        private string _used = "trained";

        public Tensor[] Weights { get; } = [.. new[] { 0.6, -0.4, 0.2 }.Select(static number => tensor(number, dtype: float64).requires_grad_())];

        public required Schedule Schedule { get; init; }

        public int[] Samples { get; init; } = [0];

        public double ReferenceShift { get; init; }

        public List<(double From, double To, string Policy, bool Gradient)> Calls { get; } = [];

        public List<(double K, double J)> Anchors { get; } = [];

        public Objective Step(LeapAlignSettings settings, LeapPair pair)
        {
            using var step = new AlignmentStep(this)
            {
                Index = 0,
                Random = RandomKey.OfRun(0),
                Batches =
                [
                    new MicroBatch(this)
                    {
                        Prompts = [.. Samples.Select(static sample => new Prompt(sample, "a"))],
                        Samples = [.. Samples.Select(static sample => (long)sample)],
                        Noise = full(Samples.Length, 1.5, dtype: float64),
                        Schedule = Schedule,
                        Sampler = new End(),
                        Random = RandomKey.OfRun(0),
                        StepKey = RandomKey.OfRun(0),
                    },
                ],
            };
            return new LeapAlignAlgorithm(settings, (_, _) => pair).Step(step).Single();
        }

        public Tensor MeanVelocity(MicroBatch batch, Tensor latents, IReadOnlyList<(double From, double To)> times, bool guided)
        {
            Assert.True(guided);
            Calls.Add((Math.Round(times[0].From, 9), Math.Round(times[0].To, 9), _used, is_grad_enabled()));
            if (is_grad_enabled() && times[0].To > 0) Anchors.AddRange(times);
            Tensor Column(Func<(double From, double To), double> of) => tensor([.. times.Select(of)], dtype: float64);
            var u = (Weights[0] * latents) + (Weights[1] * Column(static time => time.From)) + (Weights[2] * Column(static time => time.To));
            return _used == PolicyCopy.Reference ? u + ReferenceShift : u;
        }

        public Tensor Velocity(MicroBatch batch, Tensor latents, IReadOnlyList<double> sigmas, bool guided) => throw new NotSupportedException("a map is not asked for a velocity");

        public Scores Score(MicroBatch batch, Tensor latents) => Scores.Of(latents);

        public Tensor Pictures(MicroBatch batch, int number) => throw new NotSupportedException();

        public Tensor? Sampled(MicroBatch batch) => null;

        public IDisposable Use(string policy)
        {
            _used = policy;
            return new Restoring(() => _used = "trained");
        }

        private sealed class Restoring(Action restore) : IDisposable
        {
            public void Dispose() => restore();
        }

        private sealed class End : ISampler
        {
            public Schedule CreateSchedule(Contracts.Models.FlowScheduling scheduling, int? steps = null) => throw new NotSupportedException();

            public Tensor Roll(Tensor latents, SamplingPath path)
            {
                Assert.Equal(path.Schedule.Steps, path.From);
                return latents.alias();
            }
        }
    }
}
