using System.Text.Json.Nodes;
using LeapAlign.Algorithms.Direct;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Runs.Metrics;
using LeapAlign.Optimizers.AdamW;
using LeapAlign.Optimizers.Constrained;
using LeapAlign.Optimizers.Descent;
using LeapAlign.Optimizers.Gram;
using LeapAlign.Optimizers.Momentum;
using LeapAlign.Optimizers.Muon;
using LeapAlign.Pipeline;
using LeapAlign.Rewards.Clip;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests.Interruptions;

/// <summary>Runs of each optimizer that are lost in the middle of a step, and gone on with from the checkpoint before it.</summary>
public sealed class OptimizerResumeTests : IDisposable
{
    private const int Steps = 5, Kept = 2;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("leapalign-optimizers-");

    public void Dispose() => _folder.Delete(recursive: true);

    // Windows are shorter than the run, so that they wrap; warm-ups and averages are under way.
    [Theory]
    [InlineData("adamw", """{ "warmup": 4 }""")]
    [InlineData("muon", """{ "rate": 1e-3 }""")]
    [InlineData("diffgrad", """{ "rate": 1e-4 }""")]
    [InlineData("gns", """{ "radius": 1e-4 }""")]
    [InlineData("gns", """{ "radius": 1e-4, "curvature": "rows" }""")]
    [InlineData("sven", """{ "rate": 1e-2 }""", false)]
    [InlineData("mfac", """{ "window": 2, "momentum": 0.5, "warmup": 4 }""")]
    [InlineData("lanton", """{ "rate": 1e-4 }""")]
    [InlineData("lanton", """{ "rate": 1e-4, "noise": "second-draw" }""")]
    [InlineData("npg-igt", """{ "gamma": 1e-3 }""")]
    [InlineData("harpg", """{ "gamma": 1e-4 }""")]
    [InlineData("gradient-sliding", """{ "smooth": 1e4, "sparsity": 1e-4 }""")]
    [InlineData("dal", """{ "momentum": 0.5, "rateMax": 1e-3 }""")]
    [InlineData("sgd", """{ "rate": 1e-4, "warmup": 4 }""", false)]
    [InlineData("lv-hba", """{ "rate": 1e-4, "upper": ["judge"] }""")]
    public void A_run_that_is_lost_in_a_step_goes_on_to_the_same_bytes(string id, string settings, bool keeps = true)
    {
        var plan = Plan(id, settings);
        Recording.Require(Run(plan, "whole"));
        var lost = Run(plan, "lost", lostAt: Kept + 1);
        Assert.Equal(FaultCodes.CannotWrite, lost.Match<string?>(static _ => null, static fault => fault.Code));
        var from = Recording.Require(Store("lost").Newest(static fault => Assert.Fail(fault.ToString())));
        Assert.Equal(Kept, from.Step);
        Recording.Require(Run(plan, "lost", from));
        Assert.Equal(Digest.Metrics(At("whole")), Digest.Metrics(At("lost")));
        Assert.Equal(States("whole"), States("lost"));
        Assert.Equal(keeps, from.Manifest.States.ContainsKey("optimizer"));
        // It moved behind the checkpoint, too.
        Assert.NotEqual(States("whole", Kept)["policy.safetensors"], States("whole")["policy.safetensors"]);
    }

    [Theory]
    [InlineData("sven")]
    [InlineData("gns")]
    [InlineData("lanton")]
    [InlineData("npg-igt")]
    [InlineData("harpg")]
    [InlineData("gradient-sliding")]
    [InlineData("dal")]
    public void An_optimizer_that_sets_the_length_of_its_steps_is_refused_beside_a_limit_of_the_gradient(string example)
    {
        var file = Path.Combine("examples", $"{example}.json");
        Assert.Equal(example, (string?)(JsonNode.Parse(File.ReadAllText(Path.Combine(Repository.Root, file)))!["optimizer"] is JsonObject optimizer ? optimizer["id"] : null));
        var outcome = BuiltHost.Run(Repository.Root, "validate", "-c", file, "--set", "run.clipNorm=1");
        Assert.Equal(4, outcome.ExitCode);
        Assert.Contains("run.clipNorm is 1", outcome.Error, StringComparison.Ordinal);
        Assert.Contains($"'{example}'", outcome.Error, StringComparison.Ordinal);
    }

    private string At(string run) => Path.Combine(_folder.FullName, run);

    private CheckpointStore Store(string run) => new(Path.Combine(At(run), "checkpoints"));

    private Result<RunEnding> Run(RunPlan plan, string run, Checkpoint? from = null, int? lostAt = null)
    {
        Directory.CreateDirectory(Path.Combine(At(run), "checkpoints"));
        using var parts = Recording.Require(RunParts.Create(plan, InProcessRun.Context));
        var path = Path.Combine(At(run), "metrics.jsonl");
        using var metrics = Recording.Require(from is null ? MetricsFile.Create(path) : MetricsFile.Resume(path, from.Manifest.Progress.MetricsBytes));
        using var checkpoints = new RunCheckpoints((Store(run), new CheckpointStore(Path.Combine(At(run), "faults"))), plan.Checkpoint, RunIdentity.Of(plan), metrics, TimeProvider.System);
        using var kernel = new RunKernel(plan, parts, CPU, [metrics, new Lost(lostAt)], checkpoints);
        if (from is not null) Recording.Require(kernel.Resume(from));
        return kernel.Run(CancellationToken.None);
    }

    // Of each file of a checkpoint its SHA-256; the manifest, which has the time of the day, is none of them.
    private SortedDictionary<string, string> States(string run, int step = Steps) =>
        new(Recording.Require(Store(run).Open(step)).Manifest.Files.ToDictionary(static file => file.Key, static file => file.Value.Sha256), StringComparer.Ordinal);

    private static RunPlan Plan(string id, string settings)
    {
        var plan = InProcessRun.Plan(new RunSettings { Steps = Steps, Batch = 1, Accumulation = 2, ClipNorm = null }, samplingSteps: 2);
        IPlugin[] plugins = [new AdamWPlugin(), new MuonPlugin(), new GramPlugin(), new MomentumPlugin(), new ConstrainedPlugin(), new DescentPlugin()];
        var definition = plugins.SelectMany(static plugin => plugin.Parts).Single(part => part.Id == id);
        var judge = InProcessRun.Part(new ClipPlugin(), new ClipSettings { Model = "models/tiny-clip-judge" }) with { Name = "judge" };
        return plan with
        {
            Algorithm = InProcessRun.Part(new DirectPlugin(), new DraftSettings { GradientSteps = 1, Hinge = 5 }),
            Optimizer = new PartPlan(definition, definition.ReadSettings(settings), id, new SourcePlace("test")),
            Rewards = id == "lv-hba" ? [.. plan.Rewards, new RewardPlan(judge, RewardRole.Train, 1)] : plan.Rewards,
            Checkpoint = new CheckpointSettings { Every = Kept, Keep = 9 },
        };
    }

    // As a kill in a step does, but for the process: the step was made, and nobody was told.
    private sealed class Lost(int? at) : IRunObserver
    {
        public Result<Unit> Stepped(StepReport report) => report.Index + 1 == at ? new Fault.Run(FaultCodes.CannotWrite, "cannot be written: No space left on device") : Unit.Value;
    }
}
