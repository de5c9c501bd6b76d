using LeapAlign.Algorithms.Forward;
using LeapAlign.Algorithms.Grpo;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Optimizers.AdamW;
using LeapAlign.Optimizers.Muon;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests;

/// <summary>Processes that share a run: here threads, each with a model of its own. What they train does not depend on their number, to the last bit.</summary>
public sealed class RankTests
{
    [Theory]
    [InlineData(4)]
    [InlineData(2)]
    public void Processes_make_the_steps_of_one_that_does_the_work_of_all(int world)
    {
        var run = new RunSettings { Steps = 2, Batch = 2, Accumulation = 4, Shards = 4 };
        var alone = Scripted(run, OneProcess.Instance, Loss);
        var all = ThreadedRanks.Run(world, communicator => Scripted(run, communicator, Loss));
        Assert.All(all, each => Same(alone, each));
    }

    [Fact]
    public void Shards_change_the_order_of_a_sum_alone()
    {
        var one = Scripted(new RunSettings { Steps = 1, Batch = 2, Accumulation = 4 }, OneProcess.Instance, Loss);
        var four = Scripted(new RunSettings { Steps = 1, Batch = 2, Accumulation = 4, Shards = 4 }, OneProcess.Instance, Loss);
        Assert.Equal(one.Report.Loss, four.Report.Loss);
        Assert.Equal(one.Report.GradientNorm, four.Report.GradientNorm, 1e-5 * one.Report.GradientNorm);
    }

    [Fact]
    public void Advantages_of_a_group_over_several_processes_are_those_of_one()
    {
        // Groups of four samples in micro-batches of two: with four processes none of them sees a whole group.
        var run = new RunSettings { Steps = 2, Batch = 2, Accumulation = 4, Shards = 4, Group = 4 };
        var algorithm = Part(new GrpoPlugin(), "flow-grpo", """{ "updates": 1, "klWeight": 0 }""");
        var alone = Trained(run, OneProcess.Instance, algorithm);
        Assert.NotEqual(0, alone.Report.GradientNorm);
        Assert.All(ThreadedRanks.Run(4, communicator => Trained(run, communicator, algorithm)), each => Same(alone, each));
        Assert.All(ThreadedRanks.Run(2, communicator => Trained(run, communicator, algorithm)), each => Same(alone, each));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Processes_that_share_the_state_of_an_optimizer_train_the_same(int world)
    {
        var run = new RunSettings { Steps = 3, Batch = 2, Accumulation = 4, Shards = 4 };
        foreach (var optimizer in new[] { Part(new AdamWPlugin(), "adamw", "{}"), Part(new MuonPlugin(), "muon", """{ "rate": 0.01 }""") })
        {
            (float[], StepReport) Made(ICommunicator communicator, string state, string gradients)
            {
                using var scope = NewDisposeScope();
                using var made = new SteppedRun(InProcessRun.Plan(run with { OptimizerState = state, GradientState = gradients }).With(ScriptedRun.Algorithm(static step => step.Average(Loss), [])) with { Optimizer = optimizer }, communicator);
                StepReport? report = null;
                for (var step = 0; step < run.Steps; step++) report = made.Step();
                Assert.Equal(state == RunSettings.StateSharded && communicator.World > 1, made.Training.SharesStates);
                return (made.Weight.detach().flatten().data<float>().ToArray(), report!);
            }
            var alone = Made(OneProcess.Instance, RunSettings.StateSharded, RunSettings.StateSharded);
            foreach (var (state, gradients) in new[] { (RunSettings.StateWhole, RunSettings.StateWhole), (RunSettings.StateSharded, RunSettings.StateWhole), (RunSettings.StateSharded, RunSettings.StateSharded) })
                Assert.All(ThreadedRanks.Run(world, communicator => Made(communicator, state, gradients)), each => Same(alone, each));
        }
    }

    [Fact]
    public void What_ended_another_process_comes_instead_of_its_state()
    {
        var run = new RunSettings { Steps = 1, Batch = 2, Accumulation = 2, OptimizerState = RunSettings.StateSharded };
        var faults = ThreadedRanks.Run(2, communicator =>
        {
            using var scope = NewDisposeScope();
            using var made = new SteppedRun(InProcessRun.Plan(run).With(ScriptedRun.Algorithm(static step => step.Average(Loss), [])), communicator);
            made.Step();
            return communicator.Rank == 0
                ? made.Parts.Ranks.Fail(new Fault.Run(FaultCodes.CannotWrite, "the disk is full"))
                : made.Training.Collect().Match<Fault?>(static _ => null, static fault => fault);
        });
        Assert.All(faults, static fault => Assert.Equal((FaultCodes.CannotWrite, 0), (fault?.Code, fault?.Rank)));
    }

    [Fact]
    public void The_state_of_an_optimizer_that_looks_at_all_parameters_is_not_shared()
    {
        var plan = InProcessRun.Plan(new RunSettings { Steps = 1, Batch = 2, OptimizerState = RunSettings.StateSharded }).With(new ScriptedOptimizer(), []);
        using var parts = Recording.Require(RunParts.Create(plan, InProcessRun.Context, RunRanks.Alone));
        var fault = parts.Check(plan).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal(FaultCodes.NotSeparable, fault?.Code);
        Assert.Equal("run.optimizerState", fault!.Place?.Key);
    }

    [Fact]
    public void Gradients_are_not_shared_where_each_process_updates_all_weights()
    {
        var plan = InProcessRun.Plan(new RunSettings { Steps = 1, Batch = 2, GradientState = RunSettings.StateSharded });
        using var parts = Recording.Require(RunParts.Create(plan, InProcessRun.Context, RunRanks.Alone));
        var fault = parts.Check(plan).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal((FaultCodes.NotSeparable, "run.gradientState"), (fault?.Code, fault?.Place?.Key));
        Assert.Contains("set run.optimizerState to \"sharded\", too", fault!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_shard_has_every_update()
    {
        var run = new RunSettings { Steps = 2, Batch = 2, Accumulation = 4, Shards = 2, Group = 2 };
        foreach (var algorithm in new[] { Part(new GrpoPlugin(), "flow-grpo", """{ "updates": 2, "klWeight": 0 }"""), Part(new ForwardPlugin(), "nft", """{ "updates": 2, "timesteps": 2, "klWeight": 0 }""") })
        {
            var alone = Trained(run, OneProcess.Instance, algorithm);
            Assert.Equal(2, alone.Report.Updates);
            Assert.All(ThreadedRanks.Run(2, communicator => Trained(run, communicator, algorithm)), each => Same(alone, each));
        }
    }

    [Fact]
    public void A_process_that_has_nothing_to_learn_goes_along()
    {
        var run = new RunSettings { Steps = 2, Batch = 2, Accumulation = 2, Shards = 2 };
        IEnumerable<Objective> Script(AlignmentStep step)
        {
            foreach (var batch in step.Batches)
            {
                // Two updates in a step: the first has losses in the second shard alone, the second in none.
                yield return batch.Samples[0] >= 2 ? Loss(batch).From(batch).Updating() : Objective.EndOfUpdate;
                yield return Objective.EndOfUpdate;
            }
        }
        var both = ThreadedRanks.Run(2, communicator => Scripted(run, communicator, Script));
        Same(both[0], both[1]);
        Assert.Equal(1, both[0].Report.Updates);
    }

    [Theory]
    [InlineData(RunSettings.StateWhole)]
    [InlineData(RunSettings.StateSharded)]
    public void A_gradient_that_is_not_finite_in_one_process_is_refused_in_all(string state)
    {
        var run = new RunSettings { Steps = 1, Batch = 2, Accumulation = 2, OptimizerState = state, GradientState = state };
        var skipped = ThreadedRanks.Run(2, communicator => Scripted(run, communicator, step => step.Average(batch => Loss(batch, communicator.Rank == 1 ? float.NaN : 1))));
        Assert.Equal([1, 1], skipped.Select(static each => each.Report.Skipped));
    }

    [Fact]
    public void A_loss_of_no_micro_batch_is_refused_where_there_are_shards()
    {
        var run = new RunSettings { Steps = 1, Batch = 2, Accumulation = 2, Shards = 2 };
        var thrown = Assert.Throws<FaultException>(() => Scripted(run, OneProcess.Instance, static step => [Loss(step.Batches[0])]));
        Assert.Equal(FaultCodes.NoShard, thrown.Fault.Code);
    }

    [Fact]
    public void Evaluations_are_shared_and_the_same_whatever_the_number()
    {
        var folder = Directory.CreateTempSubdirectory();
        File.WriteAllLines(Path.Combine(folder.FullName, "captions.txt"), ["a red circle", "a blue square", "two green circles", "a yellow triangle", "a circle above a square"]);
        var alone = Evaluated(OneProcess.Instance, folder.FullName);
        var both = ThreadedRanks.Run(2, communicator => Evaluated(communicator, folder.FullName));
        folder.Delete(recursive: true);
        Assert.All(both, each =>
        {
            Assert.Equal(alone.Report.PicturesSha256, each.Report.PicturesSha256);
            Assert.Equal(alone.Report.Rewards, each.Report.Rewards);
            Assert.Equal(alone.Report.Scores["clip"], each.Report.Scores["clip"]);
            Assert.Equal(alone.Report.Evaluations, each.Report.Evaluations);
            Assert.Equal(alone.Report.Samples.Select(static sample => Convert.ToHexString(sample.Pixels)), each.Report.Samples.Select(static sample => Convert.ToHexString(sample.Pixels)));
        });
    }

    private static void Same((float[] Weights, StepReport Report) one, (float[] Weights, StepReport Report) other)
    {
        Assert.Equal(one.Weights, other.Weights);
        Assert.Equal(one.Report.Loss, other.Report.Loss);
        Assert.Equal(one.Report.GradientNorm, other.Report.GradientNorm);
        Assert.Equal(one.Report.Evaluations, other.Report.Evaluations);
        Assert.Equal(one.Report.Rewards, other.Report.Rewards);
        Assert.Equal(one.Report.Measurements.AsEnumerable(), other.Report.Measurements);
    }

    private static (float[] Weights, StepReport Report) Scripted(RunSettings settings, ICommunicator communicator, Func<MicroBatch, Objective> loss) =>
        Scripted(settings, communicator, step => step.Average(loss));

    private static (float[] Weights, StepReport Report) Scripted(RunSettings settings, ICommunicator communicator, Func<AlignmentStep, IEnumerable<Objective>> script)
    {
        using var scope = NewDisposeScope();
        using var run = new ScriptedRun(settings, (step, _) => script(step), guard: new GuardSettings { NotFinite = "skip" }, communicator: communicator);
        StepReport? report = null;
        for (var step = 0; step < settings.Steps; step++) report = run.Step();
        return (run.Weight.detach().flatten().data<float>().ToArray(), report!);
    }

    private static (float[] Weights, StepReport Report) Trained(RunSettings settings, ICommunicator communicator, PartPlan algorithm)
    {
        using var scope = NewDisposeScope();
        var plan = InProcessRun.Plan(settings) with { Algorithm = algorithm, Sampler = Part(new LeapAlign.Samplers.FlowSde.FlowSdePlugin(), "flow-sde", """{ "steps": 4 }""") };
        using var run = new SteppedRun(plan, communicator);
        StepReport? report = null;
        for (var step = 0; step < settings.Steps; step++) report = run.Step();
        return (run.Weight.detach().flatten().data<float>().ToArray(), report!);
    }

    private static (EvaluationReport Report, int Done) Evaluated(ICommunicator communicator, string folder)
    {
        var path = Path.Combine(folder, "captions.txt");
        var plan = InProcessRun.Plan(new RunSettings { Steps = 1, Batch = 2, Accumulation = 2 }, new EvaluationSettings { Every = 0, Batch = 4, ImagesPerPrompt = 2, Samples = 5 }) with
        {
            EvaluationPrompts = InProcessRun.Prompts(path),
        };
        var observer = new Evaluations();
        using var parts = Recording.Require(RunParts.Create(plan, InProcessRun.Context, new RunRanks(communicator)));
        using var kernel = new RunKernel(plan, parts, CPU, [observer]);
        Recording.Require(kernel.Run(CancellationToken.None));
        return (observer.Last!, kernel.Done);
    }

    private static PartPlan Part(IPlugin plugin, string id, string settings)
    {
        var definition = plugin.Parts.Single(part => part.Id == id);
        return new PartPlan(definition, definition.ReadSettings(settings), id, new SourcePlace("test"));
    }

    /// <summary>A loss of prompts and noise, which differ from sample to sample.</summary>
    internal static Objective Loss(MicroBatch batch) => Loss(batch, 1);

    /// <summary>The same, times a factor.</summary>
    internal static Objective Loss(MicroBatch batch, float factor)
    {
        var velocity = batch.Network(batch.Noise, [0.5]);
        return new Objective(velocity.square().mean() * factor, new Measurement("mean", velocity.detach().mean()));
    }

    private sealed class Evaluations : IRunObserver
    {
        public EvaluationReport? Last { get; private set; }

        public Result<Unit> Evaluated(EvaluationReport report)
        {
            Last = report;
            return Unit.Value;
        }
    }
}
