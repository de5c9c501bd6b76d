using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using LeapAlign.Samplers.FlowEuler;
using static TorchSharp.torch;

namespace LeapAlign.Objectives.LocalError.Tests;

/// <summary>On <c>v = sin(k σ) x + cos x</c> in double, k = 3.</summary>
public sealed class LocalErrorTests
{
    private static readonly Schedule s_schedule = new([1, 0.9, 0.7, 0.4, 0.15, 0]);

    [Theory]
    [InlineData(SolverPair.Heun, 3.266159805e-2, 6.741799614e-2, 5e-12)]
    [InlineData(SolverPair.Dopri, 6.173498700e-7, 7.121664603e-7, 5e-17)]
    public void Errors_and_their_derivatives_are_the_recorded_ones(SolverPair pair, double error, double derivative, double digits)
    {
        using var scope = NewDisposeScope();
        var k = tensor(3.0, dtype: float64).requires_grad_();
        var value = Error(pair, k, -0.1, out var step);
        value.backward();
        Assert.Equal(error, value.item<double>(), digits);
        Assert.Equal(derivative, k.grad!.item<double>(), digits);
        if (pair == SolverPair.Dopri) Assert.Equal(1.819093735, step.Stiffness!.item<double>(), 5e-10);
        else Assert.Null(step.Stiffness);
    }

    [Theory]
    [InlineData(SolverPair.Heun, 6, 8.5)]
    [InlineData(SolverPair.Dopri, 58, 76)]
    public void Half_a_step_has_an_eighth_and_a_sixty_fourth_of_the_error(SolverPair pair, double least, double most)
    {
        using var scope = NewDisposeScope();
        var k = tensor(3.0, dtype: float64);
        double[] errors = [.. new[] { -0.1, -0.05, -0.025 }.Select(length => Error(pair, k, length, out _).item<double>())];
        Assert.InRange(errors[0] / errors[1], least, most);
        Assert.InRange(errors[1] / errors[2], least, most);
    }

    // A root would have no derivative there, and one such step would make every weight not a number.
    [Theory]
    [InlineData(SolverPair.Heun)]
    [InlineData(SolverPair.Dopri)]
    public void A_constant_velocity_has_no_error_and_a_finite_gradient(SolverPair pair)
    {
        using var scope = NewDisposeScope();
        var k = tensor(3.0, dtype: float64).requires_grad_();
        var state = Rows([1, -2]);
        var error = SolverStep.Of(pair, (x, _) => (x * 0) + k, state, 0.8, -0.1).Scaled(state, 1e-2, 1e-2);
        error.sum().backward();
        Assert.Equal(0, error.item<double>(), 1e-13);
        Assert.True(double.IsFinite(k.grad!.item<double>()));
        Assert.Equal(0, k.grad!.item<double>(), 1e-9);
    }

    [Fact]
    public void Tolerances_scale_it_sample_by_sample()
    {
        using var scope = NewDisposeScope();
        var k = tensor(3.0, dtype: float64);
        var both = Rows([1, -2], [0.4, 30]);
        Tensor Of(Tensor state, double atol, double rtol) => SolverStep.Of(SolverPair.Heun, (x, t) => Velocity(k, x, t), state, 0.8, -0.1).Scaled(state, atol, rtol);
        var together = Of(both, 1e-2, 1e-2);
        Assert.Equal(together[0].item<double>(), Of(both[..1], 1e-2, 1e-2).item<double>(), 1e-15);
        Assert.Equal(together[1].item<double>(), Of(both[1..], 1e-2, 1e-2).item<double>(), 1e-15);
        Assert.Equal(Of(both[..1], 1, 0).item<double>() / 0.5, Of(both[..1], 0.5, 0).item<double>(), 1e-12);
        Assert.NotEqual(together[1].item<double>(), Of(both[1..], 1e-2, 0).item<double>());
    }

    [Fact]
    public void The_loss_is_the_error_of_a_step_of_the_schedule_where_the_algorithm_came_by()
    {
        using var scope = NewDisposeScope();
        var path = new Path();
        var objective = new LocalErrorObjective("ease", new());
        for (var batch = 0; batch < 6; batch++)
        {
            var micro = path.Batch(batch);
            var at = Assert.Single(objective.States(micro));
            // The state before the first step is the noise.
            path.States[(batch, at)] = at == 0 ? micro.Noise : Rows([0.3 + batch, -1], [2, 0.7]);
            path.Calls.Clear();
            var made = objective.Of(path.Step, micro, 0);
            var (time, length) = (s_schedule.Sigma(at), s_schedule.Delta(at, at + 1));
            var expected = SolverStep.Of(SolverPair.Heun, (x, t) => Velocity(path.K, x, t), path.States[(batch, at)], time, length).Scaled(path.States[(batch, at)], 1e-2, 1e-2).mean();
            Assert.Equal(expected.item<double>() * -length, made.Loss.item<double>(), 1e-14);
            Assert.Equal([(time, true, true), (time + length, true, true)], path.Calls.Select(static call => (call.Sigma, call.Gradient, call.Guided)));
            Assert.Equal(expected.item<double>(), made.Measurements.Single(static measured => measured.Name == "error").Value.mean().item<double>(), 1e-14);
            Assert.Contains(made.Measurements, measured => measured.Name == FormattableString.Invariant($"error_at_{at}"));
            Assert.Equal(at, made.Measurements.Single(static measured => measured.Name == "step").Value.item<long>());
        }
    }

    [Theory]
    [InlineData(StepPlace.Steps)]
    [InlineData(StepPlace.Random)]
    public void Where_nothing_was_sampled_it_samples_to_the_place_without_gradient(StepPlace place)
    {
        using var scope = NewDisposeScope();
        var (path, given) = (new Path(), new Path());
        var objective = new LocalErrorObjective("ease", new() { At = place });
        for (var batch = 0; batch < 8; batch++)
        {
            var wanted = objective.States(path.Batch(batch));
            path.Calls.Clear();
            var alone = objective.Of(path.Step, path.Batch(batch), 0);
            Assert.Equal(2, path.Calls.Count(static call => call.Gradient));
            // From noise to the first of them; a second state is one step on.
            var evaluated = place == StepPlace.Steps ? wanted[0] : wanted[0] + 1;
            Assert.Equal(evaluated, path.Calls.Count(static call => !call.Gradient));
            foreach (var at in wanted) given.States[(batch, at)] = given.Reached(batch, at);
            given.Ends[batch] = given.Reached(batch, s_schedule.Steps);
            given.Calls.Clear();
            var kept = objective.Of(given.Step, given.Batch(batch), 0);
            Assert.Equal(alone.Loss.item<double>(), kept.Loss.item<double>(), 1e-14);
            Assert.Equal(2, given.Calls.Count);
        }
    }

    [Fact]
    public void No_gradient_reaches_the_rollout()
    {
        using var scope = NewDisposeScope();
        var path = new Path();
        var objective = new LocalErrorObjective("ease", new());
        var batch = Enumerable.Range(0, 20).Select(path.Batch).First(micro => objective.States(micro)[0] == 3);
        var state = path.Reached(batch.Index, 3);
        objective.Of(path.Step, batch, 0).Loss.backward();
        double Loss(double k) => SolverStep.Of(SolverPair.Heun, (x, t) => Velocity(tensor(k, dtype: float64), x, t), state, 0.4, -0.25).Scaled(state, 1e-2, 1e-2).mean().item<double>() * 0.25;
        Assert.Equal((Loss(3 + 1e-6) - Loss(3 - 1e-6)) / 2e-6, path.K.grad!.item<double>(), 1e-7);
        Assert.NotEqual(0, path.K.grad!.item<double>());
    }

    [Fact]
    public void Places_are_all_steps_alike_or_the_whole_interval_and_belong_to_micro_batch_and_name()
    {
        using var scope = NewDisposeScope();
        var path = new Path();
        var (steps, other, random) = (new LocalErrorObjective("ease", new()), new LocalErrorObjective("late", new()), new LocalErrorObjective("ease", new() { At = StepPlace.Random }));
        int[] counts = new int[s_schedule.Steps];
        for (var batch = 0; batch < 500; batch++) counts[steps.States(path.Batch(batch))[0]]++;
        Assert.All(counts, static count => Assert.InRange(count, 65, 140));
        Assert.NotEqual(Enumerable.Range(0, 12).Select(batch => steps.States(path.Batch(batch))[0]), Enumerable.Range(0, 12).Select(batch => other.States(path.Batch(batch))[0]));
        Assert.Equal(steps.States(path.Batch(3)), steps.States(path.Batch(3)));
        counts = new int[s_schedule.Steps];
        for (var batch = 0; batch < 500; batch++) counts[random.States(path.Batch(batch))[0]]++;
        for (var step = 0; step < counts.Length; step++) Assert.Equal(500 * -s_schedule.Delta(step, step + 1), counts[step], 45.0);
        for (var batch = 0; batch < 50; batch++)
        {
            path.Calls.Clear();
            var made = random.Of(path.Step, path.Batch(batch), 0);
            var (from, to) = (path.Calls[^2].Sigma, path.Calls[^1].Sigma);
            Assert.True(from > to && to >= 0);
            var step = random.States(path.Batch(batch))[0];
            var length = Math.Min(-s_schedule.Delta(step, step + 1), from);
            Assert.Equal(length, from - to, 1e-12);
            // The step ends at 0, and its loss is that of the shorter one.
            Assert.Equal(length, made.Loss.item<double>() / made.Measurements.Single(static measured => measured.Name == "error").Value.mean().item<double>(), 1e-9);
        }
    }

    [Fact]
    public void The_stiffness_is_the_loss_where_it_is_asked_for()
    {
        using var scope = NewDisposeScope();
        var path = new Path();
        var made = Made("""{ "pair": "dopri", "form": "stiffness" }""").Match(static part => part, static fault => throw new FaultException(fault)).Of(path.Step, path.Batch(0), 0);
        Assert.Equal(made.Measurements.Single(static measured => measured.Name == "stiffness").Value.mean().item<double>() / 3.3066, made.Loss.item<double>(), 1e-12);
        made.Loss.backward();
        Assert.NotEqual(0, path.K.grad!.item<double>());
        var fault = Made("""{ "form": "stiffness" }""").Match(static _ => throw new InvalidOperationException("it was made"), static fault => fault);
        Assert.Equal(FaultCodes.SettingsDoNotFit, fault.Code);
        Assert.Contains("set pair to dopri", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}", 2)]
    [InlineData("""{ "pair": "dopri" }""", 7)]
    public void It_costs_the_evaluations_of_one_step(string settings, int evaluations)
    {
        var part = new LocalErrorPlugin().Parts[0];
        Assert.Equal(PartKinds.Objective, part.Kind);
        Assert.Equal(new NetworkCost(0, evaluations, 0), part.Cost(part.ReadSettings(settings), 10));
        Assert.Empty(part.Requires(part.ReadSettings(settings)));
    }

    private static Result<LocalErrorObjective> Made(string settings)
    {
        var part = new LocalErrorPlugin().Parts[0];
        return LocalErrorObjective.Of("ease", (LocalErrorSettings)part.ReadSettings(settings));
    }

    private static Tensor Error(SolverPair pair, Tensor k, double length, out SolverStep step)
    {
        var state = Rows([1, -2]);
        step = SolverStep.Of(pair, (x, t) => Velocity(k, x, t), state, 0.8, length);
        return step.Scaled(state, 1e-2, 1e-2).mean() * Math.Abs(length);
    }

    private static Tensor Velocity(Tensor k, Tensor x, double t) => ((k * t).sin() * x) + x.cos();

    private static Tensor Rows(params double[][] rows) => tensor(rows.SelectMany(static row => row).ToArray(), dtype: float64).reshape(rows.Length, rows[0].Length);

    /// <summary>Micro-batches of two samples, and what was sampled of them.</summary>
    private sealed class Path : IStepServices
    {
        public Path() => Step = new(this) { Index = 0, Batches = [Batch(0)], Random = RandomKey.OfRun(7) };

        public Tensor K { get; } = tensor(3.0, dtype: float64).requires_grad_();

        public AlignmentStep Step { get; }

        public List<(double Sigma, bool Gradient, bool Guided)> Calls { get; } = [];

        public Dictionary<(int Batch, int Step), Tensor> States { get; } = [];

        public Dictionary<int, Tensor> Ends { get; } = [];

        public MicroBatch Batch(int index) => new(this)
        {
            Index = index,
            Samples = [2 * index, (2 * index) + 1],
            Prompts = [new Prompt(0, "a"), new Prompt(1, "b")],
            Noise = Rows([1 + (0.1 * index), -2], [0.5, 0.2 * index]),
            Schedule = s_schedule,
            Sampler = new FlowEulerSampler(new FlowEulerSettings()),
            Random = RandomKey.OfRun(7).For("micro-batch", index).For("algorithm"),
            StepKey = RandomKey.OfRun(7),
        };

        public Tensor Reached(int batch, int step)
        {
            using var _ = no_grad();
            var micro = Batch(batch);
            return micro.Sampler.Roll(micro.Noise, micro.Path with { To = step });
        }

        public Tensor Velocity(MicroBatch batch, Tensor latents, IReadOnlyList<double> sigmas, bool guided)
        {
            Calls.Add((sigmas.Single(), is_grad_enabled(), guided));
            return LocalErrorTests.Velocity(K, latents, sigmas[0]);
        }

        public Scores Score(MicroBatch batch, Tensor latents) => throw new NotSupportedException();

        public Tensor Pictures(MicroBatch batch, int number) => throw new NotSupportedException();

        public IDisposable Use(string policy) => throw new NotSupportedException();

        public Tensor? Sampled(MicroBatch batch) => Ends.GetValueOrDefault(batch.Index);

        public Tensor? Sampled(MicroBatch batch, int at) => States.GetValueOrDefault((batch.Index, at));
    }
}
