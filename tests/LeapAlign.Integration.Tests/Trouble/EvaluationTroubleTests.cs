using System.Text.Json.Nodes;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Runs.Metrics;
using LeapAlign.Integration.Tests.Interruptions;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests.Trouble;

/// <summary>Evaluations in which something goes wrong, and what checkpoints that are taken in one know of it.</summary>
public sealed class EvaluationTroubleTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("leapalign-evaluation-").FullName;

    public void Dispose() => Repository.DeleteFolder(_folder);

    [Theory]
    [InlineData(float.NaN, false)]
    [InlineData(float.PositiveInfinity, false)]
    [InlineData(float.NaN, true)]
    public void Scores_that_are_not_finite_are_warned_of_and_the_run_goes_on(float bad, bool trained)
    {
        var calls = 0;
        // Trained, it is bad in evaluations alone: those see all captions.
        var odd = new ScriptedRun.Scorer((images, prompts) =>
        {
            var scores = images.mean([1, 2, 3]);
            return prompts.Count == 4 && ++calls == 2 ? scores + tensor(new[] { 0, 0, bad, 0 }) : scores;
        });
        var plan = Plan(Reward("odd", odd, trained ? RewardRole.Train : RewardRole.HeldOut), Reward("even", new ScriptedRun.Scorer((images, _) => images.mean([1, 2, 3])), RewardRole.Train));
        var (ending, told, _) = Run(plan);
        Assert.Equal(RunEnding.Finished, Recording.Require(ending));
        var warning = Assert.Single(told.OfType<Fault>(), static fault => fault.Code == FaultCodes.ScoreNotFinite);
        var prompt = told.OfType<EvaluationReport>().First().Samples[2].Caption;
        Assert.Contains($"after step 1 the reward 'odd' gave {FormattableString.Invariant($"{bad}")} to '{prompt}' (1 of 4 pictures)", warning.Message, StringComparison.Ordinal);
        // The last checkpoint was written, and is read again.
        Assert.Equal(3, Store.Open(3).Match(static checkpoint => checkpoint.Step, static fault => throw new FaultException(fault)));
    }

    [Fact]
    public void A_model_that_draws_no_pictures_ends_the_run_and_its_weight_is_named()
    {
        var plan = Plan(Reward("even", new ScriptedRun.Scorer((images, _) => images.mean([1, 2, 3])), RewardRole.Train));
        using var parts = Recording.Require(RunParts.Create(plan, InProcessRun.Context));
        using (no_grad()) parts.Model.Parameters[3].Value.flatten()[0] = float.NaN;
        parts.Model.Refresh();
        using var kernel = new RunKernel(plan, parts, CPU, []);
        var fault = kernel.Run(CancellationToken.None).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal(FaultCodes.NotFinite, fault?.Code);
        Assert.Contains($"the weight '{parts.Model.Parameters[3].Name}' is not finite", fault!.Message, StringComparison.Ordinal);
        Assert.Equal(0, kernel.Done);
    }

    [Fact]
    public void A_checkpoint_of_an_evaluation_has_all_that_was_told_of_it_and_ends_a_gamed_run_again()
    {
        // The trained reward rises and the judge falls, with every evaluation; the third is the best of 'even' and shows the gaming.
        var (trained, judge) = (0, 0);
        var plan = Plan(
            Reward("rising", new ScriptedRun.Scorer((images, prompts) => (images.mean([1, 2, 3]) * 0) + (prompts.Count == 4 ? trained++ : 0)), RewardRole.Train),
            Reward("judge", new ScriptedRun.Scorer((_, prompts) => full([prompts.Count], -(judge++), dtype: float32)), RewardRole.HeldOut)) with
        {
            Sentinel = new SentinelSettings { Mode = "stop", Patience = 2, Noise = 0 },
            Checkpoint = new CheckpointSettings { Every = 0, Best = "rising" },
        };
        var (ending, told, length) = Run(plan);
        Assert.Equal(RunEnding.Gamed, Recording.Require(ending));
        Assert.Equal(FaultCodes.RewardHacked, Assert.IsType<Fault.Run>(told[^1]).Code);
        // As if the process had been killed after this checkpoint was complete.
        var checkpoint = Recording.Require(Store.Open(2));
        Assert.Equal(length, checkpoint.Manifest.Progress.MetricsBytes);
        var (again, toldAgain, lengthAgain) = Run(plan, checkpoint);
        Assert.Equal(RunEnding.Gamed, Recording.Require(again));
        Assert.Empty(toldAgain);
        Assert.Equal(length, lengthAgain);
    }

    [Fact]
    public void An_evaluation_that_could_not_be_written_is_done_again_by_who_goes_on()
    {
        var plan = Plan(Reward("even", new ScriptedRun.Scorer((images, _) => images.mean([1, 2, 3])), RewardRole.Train));
        var (ending, _, _) = Run(plan, before: new Full(at: 2));
        Assert.Equal(FaultCodes.CannotWrite, ending.Match<Fault?>(static _ => null, static fault => fault)?.Code);
        var checkpoint = Recording.Require(Store.Open(2));
        Assert.Equal(1, checkpoint.Manifest.Progress.EvaluatedAt);
        Recording.Require(Run(plan, checkpoint).Ending);
        var resumed = Digest.Metrics(_folder);
        File.Delete(Path.Combine(_folder, "metrics.jsonl"));
        Recording.Require(Run(plan).Ending);
        Assert.Equal(Digest.Metrics(_folder), resumed);
    }

    private CheckpointStore Store => new(Path.Combine(_folder, "checkpoints"));

    private (Result<RunEnding> Ending, List<object> Told, long MetricsLength) Run(RunPlan plan, Checkpoint? from = null, IRunObserver? before = null)
    {
        using var parts = Recording.Require(RunParts.Create(plan, InProcessRun.Context));
        var path = Path.Combine(_folder, "metrics.jsonl");
        using var metrics = Recording.Require(from is null ? MetricsFile.Create(path) : MetricsFile.Resume(path, from.Manifest.Progress.MetricsBytes));
        var identity = new RunIdentity(new JsonObject(), new ProgramBuild("1", "2", 3), []);
        using var checkpoints = new RunCheckpoints((Store, new CheckpointStore(Path.Combine(_folder, "faults"))), plan.Checkpoint, identity, metrics, TimeProvider.System);
        var told = new Told();
        using var kernel = new RunKernel(plan, parts, CPU, [.. before is null ? Array.Empty<IRunObserver>() : [before], metrics, told], checkpoints);
        if (from is not null) Recording.Require(kernel.Resume(from));
        return (kernel.Run(CancellationToken.None), told.Events, metrics.Length);
    }

    private RunPlan Plan(params RewardPlan[] rewards) => InProcessRun.Plan(
        new RunSettings { Steps = 3, Batch = 2 }, new EvaluationSettings { Every = 1, Steps = 2, Batch = 4, Samples = 4 }) with
    {
        Rewards = rewards,
        EvaluationPrompts = InProcessRun.Prompts(WriteCaptions()),
        Checkpoint = new CheckpointSettings { Every = 1 },
    };

    private string WriteCaptions()
    {
        var path = Path.Combine(_folder, "captions.txt");
        File.WriteAllLines(path, ["a red circle", "a blue square", "three purple crosses", "a star"]);
        return path;
    }

    private static RewardPlan Reward(string name, IReward reward, RewardRole role) => InProcessRun.Reward(name, reward, role);

    private sealed class Full(int at) : IRunObserver
    {
        public Result<Unit> Evaluated(EvaluationReport report) => report.Step == at ? new Fault.Run(FaultCodes.CannotWrite, "cannot be written: No space left on device") : Unit.Value;
    }

    private sealed class Told : IRunObserver
    {
        public List<object> Events { get; } = [];

        public Result<Unit> Evaluated(EvaluationReport report) => Add(report);

        public Result<Unit> Warned(int step, Fault fault) => Add(fault);

        private Result<Unit> Add(object told)
        {
            Events.Add(told);
            return Unit.Value;
        }
    }
}
