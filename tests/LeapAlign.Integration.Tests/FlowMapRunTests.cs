using System.Text.Json.Nodes;
using LeapAlign.Integration.Tests.Interruptions;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;

namespace LeapAlign.Integration.Tests;

/// <summary>Runs of the built program that make a flow map: what they export, draw, keep and refuse.</summary>
public sealed class FlowMapRunTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public FlowMapRunTests()
    {
        _workspace.Json["run"] = new JsonObject { ["name"] = "map", ["steps"] = 4, ["batch"] = 4, ["reference"] = true, ["dtype"] = "float32", ["threads"] = 1 };
        _workspace.Json["model"]!["settings"]!["flowMap"] = true;
        _workspace.Json["sampler"] = "flow-map";
        _workspace.Json["prompts"] = new JsonObject { ["id"] = "shapes", ["settings"] = new JsonObject { ["captions"] = 20, ["pictures"] = "pictures" } };
        _workspace.Json["algorithm"] = "flow-map-psd";
        _workspace.Json["optimizer"] = new JsonObject { ["id"] = "adamw", ["settings"] = new JsonObject { ["rate"] = 1e-2 } };
        _workspace.Json["evaluation"]!["every"] = -1;
        _workspace.Json["checkpoint"] = new JsonObject { ["every"] = 2, ["keep"] = 4 };
        _workspace.Save();
    }

    [Theory]
    [InlineData("""{"id": "flow-map-psd", "settings": {"division": "uniform", "weight": "learned"}}""")]
    [InlineData("\"flow-map-lsd\"", "adapter=lora")]
    [InlineData("""{"id": "flow-map-esd", "settings": {"teacher": "reference"}}""", "guidance.scale=1.5")]
    [InlineData("""{"id": "flow-map-trajectory", "settings": {"pairs": 2, "together": 2, "substeps": 2}}""", "guidance.scale=1.5")]
    [InlineData("""{"id": "leapalign", "settings": {"map": "continuous"}}""", "run.ema=0.9")]
    public void A_run_that_goes_on_in_the_middle_makes_the_same_bytes(string algorithm, params string[] further)
    {
        string[] settings = ["--set", $"algorithm={algorithm}", .. further.SelectMany(static each => new[] { "--set", each })];
        Succeed(["train", "--name", "whole", .. settings]);
        Repository.CopyFolder(Run("whole"), Run("cut"));
        foreach (var later in new[] { "step-000003", "step-000004" }.Select(name => Path.Combine(Run("cut"), "checkpoints", name)).Where(Directory.Exists)) Directory.Delete(later, recursive: true);
        Directory.Delete(Path.Combine(Run("cut"), Exported(further)), recursive: true);
        Assert.Contains("resumed from step-000002", Succeed(["train", "--resume", Run("cut"), .. settings]).Output, StringComparison.Ordinal);
        // Rollouts are there already, so that fewer evaluations are counted.
        if (!algorithm.Contains("trajectory", StringComparison.Ordinal)) Assert.Equal(Digest.Metrics(Run("whole")), Digest.Metrics(Run("cut")));
        var files = Directory.GetFiles(Path.Combine(Run("whole"), Exported(further)), "*.safetensors", SearchOption.AllDirectories);
        Assert.Contains(files, static file => Path.GetFileName(file) == "flow_map.safetensors");
        Assert.All(files, file => Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(file.Replace(Run("whole"), Run("cut"), StringComparison.Ordinal))));
        // Its first layer learns only once the last has moved; both are in every checkpoint.
        using var state = Recording.Require(SafetensorsFile.Open(Path.Combine(Directory.GetDirectories(Path.Combine(Run("whole"), "checkpoints")).Order(StringComparer.Ordinal).Last(), "average.safetensors")));
        Assert.Equal(4, state.Entries.Keys.Count(static name => name.Contains("gap_embedder.", StringComparison.Ordinal)));
        Assert.True(Recording.Require(state.Read(state.Entries.Keys.Single(static name => name.Contains("gap_embedder.linear_2.weight", StringComparison.Ordinal)))).abs().max().item<float>() > 0);
    }

    [Fact]
    public void An_export_draws_in_one_two_or_four_jumps_and_is_refused_apart_from_its_file()
    {
        Succeed("train");
        var export = Path.Combine(Run("map"), "export");
        foreach (var steps in new[] { "1", "2", "4" }) Succeed("generate", "a red circle", "--model", export, "--steps", steps, "--output", $"drawn-{steps}");
        Succeed("generate", "a red circle", "--model", export, "--output", "drawn");
        Assert.Equal(3, new[] { "1", "2", "4" }.Select(steps => Convert.ToHexString(Picture($"drawn-{steps}"))).Distinct().Count());
        Assert.Equal(Picture("drawn-4"), Picture("drawn"));

        var velocity = _workspace.Leapalign("generate", "a red circle", "--model", export, "--set", "model.settings.flowMap=false", "--set", "sampler=flow-euler", "--set", "algorithm=sft");
        Assert.Equal(5, velocity.ExitCode);
        Assert.Contains("LA4030", velocity.Error, StringComparison.Ordinal);
        File.Move(Path.Combine(export, "flow_map.safetensors"), _workspace.At("kept.safetensors"));
        var apart = _workspace.Leapalign("generate", "a red circle", "--model", export);
        Assert.Equal(5, apart.ExitCode);
        Assert.Contains("LA4030", apart.Error, StringComparison.Ordinal);
        Assert.Contains("flow_map.safetensors", apart.Error, StringComparison.Ordinal);
        Succeed("generate", "a red circle", "--model", export, "--set", $"model.settings.flowMapFrom={_workspace.At("kept.safetensors")}", "--output", "elsewhere");
        Assert.Equal(Picture("drawn"), Picture("elsewhere"));
    }

    [Fact]
    public void An_adapter_and_its_gap_draw_what_the_merged_folder_draws()
    {
        Succeed("train", "--set", "adapter=lora", "--set", "export.merged=true", "--set", "export.dtype=float32");
        var adapter = Path.Combine(Run("map"), "adapter");
        Assert.Equal(["flow_map.safetensors", "pytorch_lora_weights.safetensors"], Directory.GetFiles(adapter).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Succeed("generate", "a red circle", "--model", Path.Combine(Run("map"), "export"), "--output", "merged");
        string[] beside = ["--set", $"adapter={{\"id\": \"lora\", \"settings\": {{\"from\": \"{adapter}\"}}}}"];
        Succeed(["generate", "a red circle", .. beside, "--set", $"model.settings.flowMapFrom={Path.Combine(adapter, "flow_map.safetensors")}", "--output", "attached"]);
        Assert.InRange(Distance("merged", "attached"), 0, 2);
        // Neither half is drawn without the other.
        foreach (var other in new string[][] { [], ["--set", "model.settings.flowMap=false", "--set", "sampler=flow-euler", "--set", "algorithm=sft"] })
        {
            var refused = _workspace.Leapalign(["generate", "a red circle", .. beside, .. other]);
            Assert.Equal(5, refused.ExitCode);
            Assert.Contains("LA4030", refused.Error, StringComparison.Ordinal);
            Assert.Contains("flowMapFrom", refused.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Differences_are_refused_in_bf16_before_anything_is_written()
    {
        var refused = _workspace.Leapalign("train", "--set", "algorithm=flow-map-lsd", "--set", "run.dtype=bfloat16");
        Assert.Equal(4, refused.ExitCode);
        Assert.Contains("LA3015", refused.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Run("map")));
    }

    public void Dispose() => _workspace.Dispose();

    private static string Exported(string[] further) => further.Contains("adapter=lora") ? "adapter" : "export";

    private string Run(string name) => _workspace.At("runs", name);

    private byte[] Picture(string folder)
    {
        using var picture = SkiaSharp.SKBitmap.Decode(Assert.Single(Directory.GetFiles(_workspace.At(folder), "*.png")));
        return picture.Bytes;
    }

    private int Distance(string one, string other) => Picture(one).Zip(Picture(other), static (left, right) => Math.Abs(left - right)).Max();

    private Outcome Succeed(params string[] arguments)
    {
        var outcome = _workspace.Leapalign(arguments);
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        return outcome;
    }
}
