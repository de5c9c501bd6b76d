using LeapAlign.Algorithms.LeapAlign;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Objectives;
using LeapAlign.Contracts.State;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Methods.Leaps;
using LeapAlign.Objectives.Anchors;
using LeapAlign.Objectives.LocalError;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests;

/// <summary>Objectives beside the algorithm's: what the kernel adds to every update, measures, counts and keeps.</summary>
public sealed class ObjectiveTests
{
    private const double Weight = 0.25;

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 2)]
    [InlineData(3, 1)]
    [InlineData(3, 2)]
    public void Its_weighted_gradient_is_in_every_update(int updates, int accumulation)
    {
        using var scope = NewDisposeScope();
        var settings = new RunSettings { Steps = 2, Batch = 2, Accumulation = accumulation, ClipNorm = 1e9 };
        List<(int Step, int Batch, int Update)> seen = [];
        // One run has the loss beside its algorithm, the other has it written into the algorithm.
        ScriptedRun beside = null!;
        using var first = beside = new ScriptedRun(settings, (step, weight) => Updates(step, weight, written: false), objectives:
        [
            ("drift", Weight, new Scripted((step, batch, update) =>
            {
                seen.Add((step.Index, batch.Index, update));
                return new Objective(Drift(beside.Weight, batch, update));
            })),
        ]);
        using var written = new ScriptedRun(settings, (step, weight) => Updates(step, weight, written: true));
        for (var index = 0; index < 2; index++)
        {
            var (one, other) = (beside.Step(), written.Step());
            Assert.Equal((updates, updates), (one.Updates, other.Updates));
            Assert.Equal(other.Loss, one.Loss, 1e-5 * Math.Abs(other.Loss));
            Assert.Equal(other.GradientNorm, one.GradientNorm, 1e-5 * other.GradientNorm);
            Agreement.Values(beside.Weight.detach(), written.Weight.detach(), $"weights after step {index}", 1e-5);
        }
        Assert.Equal(
            from index in Enumerable.Range(0, 2) from update in Enumerable.Range(0, updates) from micro in Enumerable.Range(0, accumulation) select (index, micro, update),
            seen);

        IEnumerable<Objective> Updates(AlignmentStep step, Tensor weight, bool written)
        {
            for (var update = 0; update < updates; update++)
            {
                foreach (var batch in step.Batches)
                {
                    var loss = (weight * (3 + update)).square().sum();
                    if (written) loss += Drift(weight, batch, update) * Weight;
                    var objective = new Objective(loss).Times(1.0 / step.Batches.Count);
                    yield return batch == step.Batches[^1] && update < updates - 1 ? objective.Updating() : objective;
                }
            }
        }
    }

    [Fact]
    public void What_it_measures_stands_under_its_name_and_its_evaluations_are_counted()
    {
        ScriptedRun run = null!;
        using var made = run = new ScriptedRun(new RunSettings { Steps = 1, Batch = 2, Accumulation = 2 }, static (step, weight) => step.Average(_ => new Objective(weight.sum() * 0)), objectives:
        [
            ("drift", Weight, new Scripted((_, batch, _) =>
            {
                using (no_grad()) batch.Conditional(batch.Noise, [0.5]);
                return new Objective((batch.Conditional(batch.Noise, [0.5]).square().mean() * 0) + 3 + batch.Index, new Measurement("batch", tensor((double)batch.Index)));
            })),
        ]);
        var report = run.Step();
        Assert.Equal(3.5, report.Measurements["drift"]);
        Assert.Equal(0.5, report.Measurements["drift_batch"]);
        Assert.Equal(3.5 * Weight, report.Loss, 1e-6);
        Assert.Equal((2.0, 1.0), (report.Evaluations, report.GradientEvaluations));
    }

    [Fact]
    public void A_name_that_the_algorithm_measures_under_is_refused_before_the_update()
    {
        ScriptedRun run = null!;
        using var made = run = new ScriptedRun(
            new RunSettings { Steps = 1, Batch = 2 },
            static (_, weight) => [new Objective(weight.sum(), new Measurement("drift", tensor(1.0)))],
            objectives: [("drift", 1, new Scripted((_, _, _) => new Objective(run.Weight.sum())))]);
        using var before = run.Weight.detach().clone();
        var fault = Assert.Throws<FaultException>(() => run.Step()).Fault;
        Assert.Equal(FaultCodes.MeasuredTwice, fault.Code);
        Assert.Contains("algorithm 'scripted' and the objective 'drift'", fault.Message, StringComparison.Ordinal);
        Assert.True(run.Weight.equal(before).all().item<bool>());
    }

    [Fact]
    public void What_it_keeps_is_in_checkpoints_and_a_resumed_run_ends_with_the_same_bits()
    {
        using var whole = Kept();
        using var interrupted = Kept();
        using var resumed = Kept();
        for (var step = 0; step < 4; step++) whole.Step();
        for (var step = 0; step < 2; step++) interrupted.Step();
        Assert.Contains("objective.memory", whole.States);
        Assert.DoesNotContain("objective.kl", whole.States);
        resumed.Resume(interrupted);
        for (var step = 2; step < 4; step++) resumed.Step();
        Assert.True(whole.Weight.equal(resumed.Weight).all().item<bool>());
        Assert.False(whole.Weight.equal(interrupted.Weight).all().item<bool>());

        static ScriptedRun Kept()
        {
            ScriptedRun run = null!;
            return run = new ScriptedRun(
                new RunSettings { Steps = 4, Batch = 2, Reference = true },
                static (step, _) => new LeapAlignAlgorithm(new LeapAlignSettings(), static (_, _) => new LeapPair(1, 3)).Step(step),
                objectives: [("memory", 1, new Counting(() => run.Weight)), ("kl", 10, new KlObjective("kl", new KlSettings()))]);
        }
    }

    [Fact]
    public void The_divergence_of_a_model_from_itself_is_nothing_then_holds_it_on_what_the_algorithm_sampled()
    {
        using var free = Run(0);
        using var held = Run(1e3);
        var (alone, first) = (free.Step(), held.Step());
        Assert.Equal(0, first.Measurements["kl"]);
        // Nothing is added where nothing has moved.
        Assert.Equal(alone.GradientNorm, first.GradientNorm);
        Assert.True(free.Weight.equal(held.Weight).all().item<bool>());
        for (var step = 0; step < 5; step++) (alone, first) = (free.Step(), held.Step());
        Assert.True(alone.Measurements["kl"] > 0);
        Assert.True(first.Measurements["kl"] < alone.Measurements["kl"], $"{first.Measurements["kl"]} held, {alone.Measurements["kl"]} free");
        // Four steps of the sampler, two of them with gradient; one evaluation of the policy and one of the reference. It samples nothing itself.
        Assert.Equal((6.0, 3.0), (first.Evaluations, first.GradientEvaluations));

        static ScriptedRun Run(double weight) => new(
            new RunSettings { Steps = 6, Batch = 2, Reference = true },
            static (step, _) => new LeapAlignAlgorithm(new LeapAlignSettings(), static (_, _) => new LeapPair(1, 3)).Step(step),
            objectives: [("kl", weight, new KlObjective("kl", new KlSettings()))]);
    }

    [Fact]
    public void A_state_on_the_way_is_the_one_that_the_algorithm_came_by()
    {
        List<(bool Alike, int Asked)> seen = [];
        using var run = new ScriptedRun(
            new RunSettings { Steps = 1, Batch = 2, Accumulation = 2 },
            static (step, _) => new LeapAlignAlgorithm(new LeapAlignSettings(), static (_, _) => new LeapPair(1, 3)).Step(step),
            objectives: [("way", 1, new OnTheWay(2, (step, batch) =>
            {
                using var _ = no_grad();
                using var reached = batch.Sampler.Roll(batch.Noise, batch.Path with { To = 2 });
                seen.Add((step.Sampled(batch, 2)!.equal(reached).all().item<bool>(), batch.Index));
            })), ("local-error", 0.1, new LocalErrorObjective("local-error", new LocalErrorSettings()))]);
        var report = run.Step();
        Assert.Equal([(true, 0), (true, 1)], seen);
        // Of both objectives: two steps to the state that is compared, and the two evaluations of a step with gradient.
        Assert.Equal((4.0 + 2 + 2, 2.0 + 2), (report.Evaluations, report.GradientEvaluations));
        Assert.True(report.Measurements["local-error"] > 0);
        Assert.True(report.Measurements["local-error_error"] > report.Measurements["local-error"]);
        Assert.Equal(2, report.Measurements.Choices["local-error_step"].Count);
    }

    private static Tensor Drift(Tensor weight, MicroBatch batch, int update) => (weight * (batch.Noise.mean() + update + 1)).sum();

    private sealed class Scripted(Func<AlignmentStep, MicroBatch, int, Objective> loss) : IObjective
    {
        public Objective Of(AlignmentStep step, MicroBatch batch, int update) => loss(step, batch, update);
    }

    private sealed class OnTheWay(int at, Action<AlignmentStep, MicroBatch> look) : IPathObjective
    {
        public IReadOnlyList<int> States(MicroBatch batch) => [at];

        public Objective Of(AlignmentStep step, MicroBatch batch, int update)
        {
            look(step, batch);
            return new Objective(batch.Noise.sum().requires_grad_() * 0);
        }
    }

    /// <summary>Its gradient depends on how often it was asked.</summary>
    private sealed class Counting(Func<Tensor> weight) : IObjective, IStateful
    {
        private int _asked;

        public int StateVersion => 1;

        public Objective Of(AlignmentStep step, MicroBatch batch, int update) => new((weight() * (_asked++ % 2 == 0 ? 1 : -3)).sum() * _asked);

        public PartState Save() => new(StateVersion, Array.Empty<NamedTensor>(), new Dictionary<string, double> { ["asked"] = _asked });

        public Result<Unit> Load(PartState state) => state.Number("asked").Map(asked =>
        {
            _asked = (int)asked;
            return Unit.Value;
        });
    }
}
