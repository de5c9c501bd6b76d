using LeapAlign.Algorithms.Direct;
using LeapAlign.Algorithms.FlowBp;
using LeapAlign.Algorithms.Forward;
using LeapAlign.Algorithms.LeapAlign;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests;

/// <summary>What the kernel gives an optimizer beside the accumulated gradient, by optimizers that a test scripts.</summary>
public sealed class OptimizerNeedTests
{
    [Fact]
    public void A_replayed_gradient_is_that_of_a_step_at_those_weights()
    {
        using var scope = NewDisposeScope();
        StepGradient? replayed = null;
        using var replaying = new SteppedRun(Velocities, (context, parameters) =>
        {
            var before = Copies(parameters, static parameter => parameter.Value);
            var gradients = Copies(parameters, static parameter => parameter.Value.grad);
            replayed = context.Replay(Elsewhere(parameters));
            // The weights and what was added up in them are as they were, and the network computes with them.
            Same(before, Copies(parameters, static parameter => parameter.Value));
            Same(gradients, Copies(parameters, static parameter => parameter.Value.grad));
            var again = context.Replay();
            Same(gradients, again.Gradients);
            Assert.Equal(context.Loss, again.Loss);
            Keep(scope, replayed.Gradients);
        }, Capabilities.Replay);
        var evaluations = replaying.Step().Evaluations;

        List<Tensor?> there = [];
        var loss = 0.0;
        using var moved = new SteppedRun(Velocities, (context, parameters) =>
        {
            there = [.. Keep(scope, [.. parameters.Select(static parameter => parameter.Value.grad?.clone())])];
            loss = context.Loss;
        });
        using (no_grad())
        {
            foreach (var (parameter, value) in moved.Parameters.Zip(Elsewhere(moved.Parameters))) parameter.Value.copy_(value);
        }
        moved.Parts.Trained.Refresh();
        var once = moved.Step().Evaluations;
        Assert.Equal(loss, replayed!.Loss);
        Same(there, replayed.Gradients);
        Assert.Equal(3 * once, evaluations);
    }

    [Fact]
    public void Another_draw_has_prompts_and_noise_of_its_own_and_the_same_number_the_same()
    {
        using var scope = NewDisposeScope();
        List<(string Prompts, byte[] Noise, byte[] Own)> seen = [];
        List<double> losses = [];
        IEnumerable<Objective> Script(AlignmentStep step, Tensor weight) => step.Average(batch =>
        {
            using var own = batch.Normal("own");
            seen.Add((string.Join('|', batch.Prompts.Select(static prompt => prompt.Text)), batch.Noise.bytes.ToArray(), own.bytes.ToArray()));
            return Velocity(batch);
        });
        using var run = new SteppedRun(Script, (context, parameters) =>
        {
            losses = [context.Loss, context.Draw(1).Loss, context.Draw(2).Loss, context.Draw(1).Loss];
            Assert.Throws<ArgumentOutOfRangeException>(() => context.Draw(0));
            Assert.Contains("'replay'", Assert.Throws<InvalidOperationException>(() => context.Replay()).Message, StringComparison.Ordinal);
        }, Capabilities.SecondDraw);
        run.Step();
        Assert.Equal(8, seen.Count);
        Assert.Equal(losses[1], losses[3]);
        Assert.Equal(3, losses.Distinct().Count());
        Assert.Equal(seen[2..4].Select(static one => Convert.ToHexString(one.Noise) + one.Prompts), seen[6..].Select(static one => Convert.ToHexString(one.Noise) + one.Prompts));
        Assert.Equal(6, seen.Take(6).Select(static one => Convert.ToHexString(one.Noise)).Distinct().Count());
        Assert.Equal(6, seen.Take(6).Select(static one => Convert.ToHexString(one.Own)).Distinct().Count());
        Assert.NotEqual(seen[0].Prompts, seen[2].Prompts);
        Assert.NotEqual(seen[2].Prompts, seen[4].Prompts);
    }

    [Fact]
    public void The_hessian_of_a_quadratic_times_a_vector_is_that_of_two_replays()
    {
        using var scope = NewDisposeScope();
        static Tensor Curvature(Tensor weight) => linspace(1, 3, weight.numel(), dtype: float32).reshape(weight.shape);
        var replays = 0;
        IEnumerable<Objective> Script(AlignmentStep step, Tensor weight)
        {
            replays++;
            return step.Average(_ => new Objective((Curvature(weight) * weight.square()).sum() / 2));
        }
        using var run = new SteppedRun(Script, (context, parameters) =>
        {
            var direction = parameters.Select(static parameter => RandomKey.OfRun(5).For(parameter.Name).Normal(parameter.Value.shape, CPU)).ToList();
            var product = context.HessianVector([.. parameters.Select(static parameter => parameter.Value)], direction);
            for (var i = 0; i < direction.Count; i++)
                Agreement.Values(product[i], parameters[i].Name == "proj_out.weight" ? Curvature(direction[i]) * direction[i] : zeros_like(direction[i]), parameters[i].Name, 2e-3);
        }, Capabilities.HessianVector);
        run.Step();
        Assert.Equal(3, replays);
    }

    [Fact]
    public void Rows_are_the_gradients_of_single_objectives_and_add_up()
    {
        using var scope = NewDisposeScope();
        List<(int Index, double Loss, double Share, float Gradient, int Others)> rows = [];
        Tensor? sum = null;
        var optimizer = new RowTaker(row => rows.Add((row.Index, row.Loss, row.Share, row.Gradients.OfType<Tensor>().Single().mean().item<float>(), row.Gradients.Count - 1)))
        {
            Change = (_, parameters) => sum = parameters.Single(static parameter => parameter.Value.grad is not null).Value.grad!.clone().MoveToOtherDisposeScope(scope),
        };
        using var run = new SteppedRun(static (step, weight) => step.Average(batch => new Objective((weight * (batch.Index + 1)).sum() + (10 * batch.Index) - (weight.detach() * (batch.Index + 1)).sum())), optimizer, Capabilities.Rows);
        run.Step();
        var others = run.Parameters.Count - 1;
        Assert.Equal([(0, 0.0, 0.5, 1f, others), (1, 10.0, 0.5, 2f, others)], rows);
        Agreement.Values(sum!, full_like(sum!, 1.5f), "sum", 1e-6);
        run.Step();
        Assert.Equal([0, 1, 0, 1], rows.Select(static row => row.Index));
    }

    [Fact]
    public void A_step_is_made_at_the_probe_and_everything_else_sees_the_iterate()
    {
        using var scope = NewDisposeScope();
        List<float> made = [], changed = [], gradients = [];
        var optimizer = new Prober(static parameters => [.. parameters.Select(static parameter => parameter.Value.detach() + 1)])
        {
            Change = (_, parameters) =>
            {
                var weight = parameters.Single(static parameter => parameter.Value.grad is not null).Value;
                changed.Add(weight.detach().mean().item<float>());
                gradients.Add((weight.grad! - weight.detach()).mean().item<float>());
                weight.sub_(0.25);
            },
        };
        using var run = new SteppedRun((step, weight) =>
        {
            made.Add(weight.detach().mean().item<float>());
            return [new Objective(weight.square().sum() / 2)];
        }, optimizer, Capabilities.Probe);
        var begin = run.Weight.detach().mean().item<float>();
        run.Step();
        run.Step();
        for (var step = 0; step < 2; step++)
        {
            Assert.Equal(begin - (0.25 * step), changed[step], 1e-5);
            Assert.Equal(begin + 1 - (0.25 * step), made[step], 1e-5);
            Assert.Equal(1, gradients[step], 1e-5);
        }
        var place = run.Parameters.ToList().FindIndex(parameter => ReferenceEquals(parameter.Value, run.Weight));
        var decay = SteppedRun.Settings.Ema;
        Assert.Equal(begin - (0.25 * ((1 - decay) * (1 + decay + 1))), run.Training.Average.Policy.Values[place].mean().item<float>(), 1e-5);
        Assert.Equal(run.Weight.bytes.ToArray(), run.Training.States.Single(static state => state.Name == "policy").State.Save().Tensors[place].Value.bytes.ToArray());
    }

    [Fact]
    public void A_step_that_ends_with_a_fault_at_the_probe_leaves_the_iterate()
    {
        using var scope = NewDisposeScope();
        var optimizer = new Prober(static parameters => [.. parameters.Select(static parameter => parameter.Value.detach() * 2)]);
        using var run = new SteppedRun(static (_, _) => throw new InvalidOperationException("in the middle"), optimizer, Capabilities.Probe);
        var before = Copies(run.Parameters, static parameter => parameter.Value);
        Assert.Throws<InvalidOperationException>(run.Step);
        Same(before, Copies(run.Parameters, static parameter => parameter.Value));
    }

    [Theory]
    [InlineData(Capabilities.Replay)]
    [InlineData(Capabilities.Probe)]
    public void An_algorithm_with_several_updates_in_a_step_is_found_out(string need)
    {
        using var run = new SteppedRun(
            static (_, weight) => [new Objective(weight.sum()).Updating(), new Objective(weight.sum())],
            need == Capabilities.Probe ? new Prober(static _ => null) : new ScriptedOptimizer { Change = static (context, parameters) => context.Replay() },
            need);
        var fault = Assert.Throws<FaultException>(run.Step).Fault;
        Assert.Equal(FaultCodes.RequirementNotMet, fault.Code);
        Assert.Contains($"'{need}'", fault.Message, StringComparison.Ordinal);
        Assert.Contains("several updates", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_an_optimization_can_take_and_what_its_optimizer_requires_are_the_same()
    {
        Assert.Contains("without requiring 'probe'", Assert.Throws<FaultException>(() => new SteppedRun(static (_, _) => [], new Prober(static _ => null))).Fault.Message, StringComparison.Ordinal);
        Assert.Contains("'rows'", Assert.Throws<FaultException>(() => new SteppedRun(static (_, _) => [], new ScriptedOptimizer(), Capabilities.Rows)).Fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_an_optimizer_measures_stands_under_its_name()
    {
        using var scope = NewDisposeScope();
        using var run = new SteppedRun(static (_, weight) => [new Objective(weight.sum())], static (context, _) => context.Measure("radius", 0.25 * (context.Index + 1)));
        Assert.Equal(0.25, run.Step().Measurements["scripted_radius"]);
        Assert.Equal(0.5, run.Step().Measurements["scripted_radius"]);
        using var taken = new SteppedRun(static (_, weight) => [new Objective(weight.sum(), new Measurement("scripted_radius", tensor(1.0)))], static (context, _) => context.Measure("radius", 1));
        var fault = Assert.Throws<FaultException>(taken.Step).Fault;
        Assert.Equal(FaultCodes.MeasuredTwice, fault.Code);
        Assert.Contains("the optimizer 'scripted'", fault.Message, StringComparison.Ordinal);
    }

    public static TheoryData<string> Repeatable => [.. AllAlgorithms.Where(static part => part.Provides(part.ReadSettings("{}")).Contains(Capabilities.Replay)).Select(static part => part.Id)];

    [Fact]
    public void The_algorithms_that_can_be_asked_again_are_those_of_one_update_without_copies() => Assert.Equal(
        ["draft", "drtune", "flowbp-bridge", "flowbp-lagrange", "flowbp-sparse", "full", "leapalign", "refl", "sft"], Repeatable.Select(static row => row.Data).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Repeatable))]
    public void An_algorithm_that_offers_it_gives_the_same_gradient_again(string id)
    {
        var algorithm = AllAlgorithms.Single(part => part.Id == id);
        Assert.SkipWhen(algorithm.Requires(algorithm.ReadSettings("{}")).Contains(Capabilities.Pictures), "the prompts of this run come without pictures to learn from");
        using var scope = NewDisposeScope();
        var compared = 0;
        var plan = InProcessRun.Plan(SteppedRun.Settings).With(algorithm).With(new ScriptedOptimizer
        {
            Change = (context, parameters) =>
            {
                var again = context.Replay();
                Assert.Equal(context.Loss, again.Loss);
                Same([.. parameters.Select(static parameter => parameter.Value.grad)], again.Gradients);
                compared += again.Gradients.Count(static gradient => gradient is not null);
            },
        }, Capabilities.Replay);
        using var run = new SteppedRun(plan);
        run.Step();
        Assert.True(compared > 0);
    }

    private static IEnumerable<PartDefinition> AllAlgorithms =>
        [.. new DirectPlugin().Parts, .. new FlowBpPlugin().Parts, .. new LeapAlignPlugin().Parts, .. new ForwardPlugin().Parts];

    private static IEnumerable<Objective> Velocities(AlignmentStep step, Tensor weight) => step.Average(Velocity);

    private static Objective Velocity(MicroBatch batch) => new(batch.Network(batch.Noise, [0.5]).square().mean());

    private static IReadOnlyList<Tensor> Elsewhere(ParameterSet parameters) =>
        [.. parameters.Select(static parameter => parameter.Value.detach() + (RandomKey.OfRun(11).For(parameter.Name).Normal(parameter.Value.shape, CPU) * 0.01))];

    private static List<Tensor?> Copies(ParameterSet parameters, Func<Parameter, Tensor?> what) => [.. parameters.Select(parameter => what(parameter)?.detach().clone())];

    private static IReadOnlyList<Tensor?> Keep(DisposeScope scope, IReadOnlyList<Tensor?> tensors)
    {
        foreach (var tensor in tensors) tensor?.MoveToOtherDisposeScope(scope);
        return tensors;
    }

    private static void Same(IReadOnlyList<Tensor?> expected, IReadOnlyList<Tensor?> actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        Assert.All(expected.Zip(actual), static pair => Assert.Equal(pair.First?.bytes.ToArray(), pair.Second?.bytes.ToArray()));
    }
}
