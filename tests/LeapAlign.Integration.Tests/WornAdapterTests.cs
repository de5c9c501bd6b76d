using System.Text.Json.Nodes;
using LeapAlign.Adapters.Lora;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Host.Composition;
using LeapAlign.Integration.Tests.Interruptions;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests;

/// <summary>Adapters that a selector picks among: what samples that wear some are evaluated with, and runs that learn what to wear.</summary>
public sealed class WornAdapterTests : IDisposable
{
    private const string Selecting = """{"id": "dro-em", "settings": {"adapters": ["one", "two", ""], "samples": 3, "features": 8, "selectorRate": 0.1, "likelihoodScale": 2000""";

    private readonly Workspace _workspace = new();

    public WornAdapterTests()
    {
        _workspace.Json["run"] = new JsonObject { ["name"] = "small", ["steps"] = 4, ["batch"] = 2, ["threads"] = 1, ["dtype"] = "float32" };
        _workspace.Json["prompts"] = new JsonObject { ["id"] = "shapes", ["settings"] = new JsonObject { ["captions"] = 12, ["pictures"] = "drawn" } };
        _workspace.Json["optimizer"] = new JsonObject { ["id"] = "adamw", ["settings"] = new JsonObject { ["rate"] = 1e-3 } };
        _workspace.Json["rewards"] = JsonNode.Parse("""[ { "id": "jpeg-size", "name": "size" } ]""");
        _workspace.Json["evaluation"]!["every"] = -1;
        _workspace.Json["checkpoint"] = new JsonObject { ["every"] = 2, ["keep"] = 4 };
        _workspace.Json["adapter"] = JsonNode.Parse("""{"id": "lora", "settings": {"rank": 2, "alpha": 2, "candidates": [{"name": "one", "from": "one"}, {"name": "two", "from": "two", "scale": 0.5}]}}""");
        _workspace.Save();
        Write("one", 1);
        Write("two", 2);
    }

    [Fact]
    public void A_batch_whose_samples_wear_different_adapters_has_what_each_wears()
    {
        using var scope = NewDisposeScope();
        List<Tensor> together = [], alone = [], same = [];
        Asked(Worn(), (batch, latents, sigmas) =>
        {
            Keep(together, batch.Wearing([["one"], ["two", "one"], [], ["two"]]).Conditional(latents, sigmas));
            foreach (var (row, names) in new[] { ["one"], ["one", "two"], [], new[] { "two" } }.Index())
                Keep(alone, batch.Select([row]).Wearing([names]).Conditional(latents.narrow(0, row, 1), [sigmas[row]]));
            Keep(same, batch.Wearing([["one"], ["one"], ["one"], ["one"]]).Conditional(latents, sigmas));
            // A part of the batch wears what it wore.
            Assert.Equal([["two"], ["one"]], batch.Wearing([["one"], ["two", "one"], [], ["two"]]).Select([3, 0]).Worn);
            Assert.Equal([["one"], [], [], []], batch.Wearing([["one"], [], [], []]).Under(["a", "b", "c", "d"]).Worn);
        });
        foreach (var (one, other) in together.Zip(alone)) Near(one, other, 1e-5);
        // Worn alone, an adapter does what a run does that goes on from its file, and not what no adapter does.
        List<Tensor> from = [], without = [];
        Asked(InProcessRun.Part(new LoraPlugin(), new LoraSettings { From = _workspace.At("one") }), (batch, latents, sigmas) => Keep(from, batch.Conditional(latents, sigmas)));
        Asked(Worn(), (batch, latents, sigmas) => Keep(without, batch.Conditional(latents, sigmas)));
        foreach (var (one, other) in same.Zip(from)) Near(one, other, 1e-4);
        foreach (var (one, other) in together.Zip(without).Where(static (_, row) => row != 2)) Assert.True((one - other).abs().max().item<float>() > 1e-2);
        Near(together[2], without[2], 1e-5);
        Assert.True((together[3] - without[3]).abs().max().item<float>() > 1e-2);

        void Keep(List<Tensor> rows, Tensor values) => rows.AddRange(values.unbind(0).Select(row => row.clone().MoveToOtherDisposeScope(scope)));

        static void Near(Tensor one, Tensor other, double tolerance) => Assert.InRange((one - other).abs().max().item<float>(), 0, tolerance * (1 + other.abs().max().item<float>()));
    }

    // Two steps into an iteration of three, where the copy that draws is neither the selector's nor the beginning's.
    [Theory]
    [InlineData("marginal", """, "iteration": 3""", "none")]
    [InlineData("selector_loss", """, "train": "selector", "picks": 2""", "none")]
    [InlineData("reward", """, "evidence": "online" """, "blocks")]
    public void A_run_that_goes_on_in_the_middle_makes_the_same_bytes(string measured, string settings, string checkpointing)
    {
        string[] sets = ["--set", $"algorithm={Selecting}{settings}}}}}", "--set", $"run.checkpointing={checkpointing}"];
        Succeed(["train", "--name", "whole", .. sets]);
        Repository.CopyFolder(Run("whole"), Run("cut"));
        foreach (var later in new[] { "step-000003", "step-000004" }.Select(name => Path.Combine(Run("cut"), "checkpoints", name)).Where(Directory.Exists)) Directory.Delete(later, recursive: true);
        Directory.Delete(Path.Combine(Run("cut"), "adapter"), recursive: true);
        Assert.Contains("resumed from step-000002", Succeed(["train", "--resume", Run("cut"), .. sets]).Output, StringComparison.Ordinal);
        Assert.Equal(Digest.Metrics(Run("whole")), Digest.Metrics(Run("cut")));
        Assert.Equal(File.ReadAllBytes(Exported("whole")), File.ReadAllBytes(Exported("cut")));
        Assert.True(double.IsFinite((double)_workspace.Lines("whole", "step")[^1]["measurements"]![measured]!));

        string Exported(string run) => Path.Combine(Run(run), "adapter", "pytorch_lora_weights.safetensors");
    }

    [Fact]
    public void An_evaluation_wears_the_likeliest_selection()
    {
        // The first of equal ones: adapter one, which a run that goes on from its file has from its first evaluation on.
        string[] evaluating = ["--set", "evaluation.every=4", "--set", "evaluation.samples=2"];
        Succeed(["train", "--name", "wearing", "--set", "algorithm=" + Selecting + """, "train": "generator"}}""", .. evaluating]);
        Succeed(["train", "--name", "plain", "--set", "algorithm=sft", .. evaluating]);
        Succeed(["train", "--name", "from", "--set", "algorithm=sft", "--set", """adapter={"id": "lora", "settings": {"from": "one"}}""", .. evaluating]);
        var (wearing, plain, from) = (Size("wearing"), Size("plain"), Size("from"));
        Assert.True(Math.Abs(wearing - from) < 0.05 * Math.Abs(wearing - plain), $"{wearing} {from} {plain}");

        double Size(string run) => (double)_workspace.Lines(run, "evaluation")[0]["rewards"]!["size"]!;
    }

    [Fact]
    public void What_the_runs_adapter_does_not_hold_is_refused_before_the_first_step()
    {
        var unknown = _workspace.Leapalign("train", "--set", "algorithm=" + Selecting.Replace("\"two\"", "\"three\"", StringComparison.Ordinal) + "}}");
        Assert.Equal(4, unknown.ExitCode);
        Assert.Contains("'three' is none of the candidates of the run's adapter, which are 'one', 'two'", unknown.Error, StringComparison.Ordinal);
        var none = _workspace.Leapalign("validate", "--set", "algorithm=" + Selecting + "}}", "--set", "adapter=lora");
        Assert.Contains("LA3002", none.Error, StringComparison.Ordinal);
        Assert.Contains("requires 'adapter-candidates'", none.Error, StringComparison.Ordinal);
        var full = _workspace.Leapalign("validate", "--set", "algorithm=" + Selecting + "}}", "--set", "adapter=full");
        Assert.Contains("requires 'adapter-candidates'", full.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Run("small")) && File.Exists(Path.Combine(Run("small"), "metrics.jsonl")));
    }

    public void Dispose() => _workspace.Dispose();

    private PartPlan Worn() => InProcessRun.Part(new LoraPlugin(), new LoraSettings
    {
        Rank = 2,
        Candidates = [new LoraCandidate { Name = "one", From = _workspace.At("one") }, new LoraCandidate { Name = "two", From = _workspace.At("two"), Scale = 0.5 }],
    });

    private static void Asked(PartPlan adapter, Action<MicroBatch, Tensor, double[]> ask)
    {
        var plan = InProcessRun.Plan(SteppedRun.Settings with { Batch = 4, Accumulation = 1 }) with { Adapter = adapter };
        using var run = new SteppedRun(plan.With(ScriptedRun.Algorithm(Script, [])));
        run.Step();

        IEnumerable<Objective> Script(AlignmentStep step)
        {
            using var _ = no_grad();
            var batch = step.Batches[0];
            ask(batch, batch.Noise, [0.9, 0.7, 0.5, 0.3]);
            return [];
        }
    }

    // An adapter of every layer, of numbers drawn by a seed.
    private void Write(string name, int seed)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var plan = InProcessRun.Plan(SteppedRun.Settings) with { Adapter = InProcessRun.Part(new LoraPlugin(), new LoraSettings { Rank = 2, Alpha = 2 }) };
        using var run = new SteppedRun(plan);
        var adapter = run.Parts.TrainedModel.Adapter!;
        Recording.Require(adapter.Write(_workspace.At(name), [.. adapter.Parameters.Select(parameter => RandomKey.OfRun(seed).For(parameter.Name).Normal([.. parameter.Value.shape], CPU) * 0.4)]));
    }

    private string Run(string name) => _workspace.At("runs", name);

    private Outcome Succeed(params string[] arguments)
    {
        var outcome = _workspace.Leapalign(arguments);
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        return outcome;
    }
}
