using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Objectives;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Optimizers.Descent;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests;

/// <summary>Objectives that are made of the gradients of an update: what the kernel gives them, adds, counts and refuses.</summary>
public sealed class GradientObjectiveTests
{
    private const double Rate = 0.1;

    // A bilinear game of one trained matrix and one number: F_W = θ, F_θ = −Σ W.
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(0.5, 2, 1)]
    [InlineData(1, 2, 2)]
    public void What_it_says_is_added_times_its_weight_before_the_update(double weight, int accumulation, int shards)
    {
        using var scope = NewDisposeScope();
        var own = Own();
        var steps = 0;
        var settings = new RunSettings { Steps = 2, Batch = 2, Accumulation = accumulation, Shards = shards, ClipNorm = 1e9 };
        SteppedRun run = null!;
        using var made = run = new SteppedRun(Plan(settings, own, () =>
        {
            steps++;
            return run.Weight;
        }, ("drift", weight, new DriftObjective(new DriftSettings { Rate = Rate }))));
        var (before, theta) = (run.Weight.detach().to(float64), own.Value.detach().to(float64));
        var report = run.Step();
        // The step, and two more for each player.
        Assert.Equal(5 * accumulation, steps);
        Assert.Equal(5, report.Evaluations);
        var (sum, count) = (before.sum(), before.numel());
        var field = theta + (sum * (weight * Rate / 2));
        var ownField = sum.neg() + (theta * (count * weight * Rate / 2));
        Agreement.Values(run.Weight.detach().to(float64), before - (field * Rate), "W", 1e-4);
        Agreement.Values(own.Value.detach().to(float64), theta - (ownField * Rate), "θ", 1e-4);
        Assert.Equal(Rate / 2 * Math.Abs(sum.item<double>()) * Math.Sqrt(count), report.Measurements["drift_length"], 1e-3 * report.Measurements["drift_length"]);
        Assert.Equal(Rate / 2 * count * theta.item<double>(), report.Measurements["drift_own_length"], 1e-3 * report.Measurements["drift_own_length"]);
        // The norm that is judged and clipped is that of the sum, and the loss is the game's alone.
        var norm = Math.Sqrt((field.square().item<double>() * count) + ownField.square().item<double>());
        Assert.Equal(norm, report.GradientNorm, 1e-3 * norm);
        Assert.Equal(0, report.Loss, 1e-3);
        Assert.DoesNotContain("drift", report.Measurements.Keys);
    }

    [Fact]
    public void Each_is_given_the_gradients_of_the_losses_and_weights_come_back_to_the_bit()
    {
        using var scope = NewDisposeScope();
        var own = Own();
        List<string> seen = [];
        SteppedRun run = null!;
        IGradientObjective Watching() => new Scripted(field =>
        {
            var before = Convert.ToHexString(run.Weight.bytes) + Convert.ToHexString(own.Value.bytes);
            seen.Add(Text(field.Here));
            var there = field.At([.. field.Trained.Select(static parameter => parameter.Value.detach() + 1)], null);
            var both = field.At([.. field.Trained.Select(static parameter => parameter.Value.detach() + 1)], [field.Own[0].Value.detach() * 2]);
            Assert.NotEqual(Text(field.Here), Text(there));
            Assert.Equal(2, both.Trained.OfType<Tensor>().Single().min().item<float>() / there.Trained.OfType<Tensor>().Single().min().item<float>(), 1e-5);
            Assert.Equal(Text(field.Here), Text(field.At(null, null)));
            Assert.NotEqual(field.At(null, null, 1).Own[0]!.item<float>(), field.Here.Own[0]!.item<float>());
            Assert.Equal(before, Convert.ToHexString(run.Weight.bytes) + Convert.ToHexString(own.Value.bytes));
            return new PlayerGradients([.. field.Trained.Select(static parameter => ones_like(parameter.Value))], [null]);
        });
        using var made = run = new SteppedRun(Plan(new RunSettings { Steps = 1, Batch = 2, ClipNorm = 1e9 }, own, () => run.Weight, ("one", 1, Watching()), ("other", 2, Watching())));
        // One that has no gradient of its own.
        var other = run.Parameters.First(static parameter => parameter.Name != "proj_out.weight").Value;
        var before = other.detach().clone();
        run.Step();
        Assert.Equal(2, seen.Count);
        Assert.Equal(seen[0], seen[1]);
        Agreement.Values(other.detach(), before - (3 * Rate), "a weight that only the objectives move", 1e-5);
    }

    [Fact]
    public void An_algorithm_with_several_updates_in_a_step_is_found_out()
    {
        using var run = new SteppedRun(InProcessRun.Plan(SteppedRun.Settings)
            .With(ScriptedRun.Algorithm(static step => [Velocity(step.Batches[0]).Updating(), Velocity(step.Batches[1])], []))
            .With(("drift", 1, new DriftObjective(new DriftSettings { Rate = Rate }))));
        var fault = Assert.Throws<FaultException>(run.Step).Fault;
        Assert.Equal(FaultCodes.RequirementNotMet, fault.Code);
        Assert.Contains("the objective 'drift' requires 'replay'", fault.Message, StringComparison.Ordinal);
        Assert.Contains("several updates", fault.Message, StringComparison.Ordinal);
    }

    private static Objective Velocity(MicroBatch batch) => new(batch.Network(batch.Noise, [0.5]).square().mean());

    private static Parameter Own() => new("theta", ParameterRole.Bias, ones(1).mul(3).detach().requires_grad_());

    private static RunPlan Plan(RunSettings settings, Parameter own, Func<Tensor> trained, params (string, double, IObjective)[] objectives) =>
        (InProcessRun.Plan(settings) with { Optimizer = InProcessRun.Part(new DescentPlugin(), new SgdSettings { Rate = Rate }) }).With(new GameOf(own, trained)).With(objectives);

    private static string Text(PlayerGradients gradients) => string.Join('|', gradients.Trained.Concat(gradients.Own).Select(static gradient => gradient is null ? "" : Convert.ToHexString(gradient.bytes.ToArray())));

    private sealed class Scripted(Func<GradientField, PlayerGradients> of) : IGradientObjective
    {
        public PlayerGradients Of(GradientField field) => of(field);
    }

    // Each player's loss has the other's weights as constants. Samples say nothing but of another draw, whose noise scales it.
    private sealed class GameOf(Parameter own, Func<Tensor> trained) : IAlgorithm
    {
        private byte[]? _noise;

        public ParameterSet Parameters { get; } = new([own]);

        public IEnumerable<Objective> Step(AlignmentStep step) => step.Average(batch =>
        {
            using (no_grad()) batch.Network(batch.Noise, [0.5]);
            var noise = batch.Noise.bytes.ToArray();
            if (batch.Index == 0) _noise ??= noise;
            var scale = batch.Index > 0 || noise.AsSpan().SequenceEqual(_noise) ? 1 : 2;
            var weight = trained();
            return new Objective(((weight * own.Value.detach()).sum() - (weight.detach().sum() * own.Value).sum()) * scale);
        });
    }
}
