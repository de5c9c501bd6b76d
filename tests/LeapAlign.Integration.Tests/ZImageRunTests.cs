using System.Text.Json.Nodes;
using LeapAlign.Testing;

namespace LeapAlign.Integration.Tests;

/// <summary>The built program on a small Z-Image folder: it trains all weights and an adapter, and what it exports is opened again.</summary>
public sealed class ZImageRunTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public ZImageRunTests()
    {
        _workspace.Json["model"] = new JsonObject { ["id"] = "z-image", ["settings"] = new JsonObject { ["folder"] = Repository.Fixture("pipeline-z-image", "model") } };
        _workspace.Json["run"]!["size"] = "64x32";
        _workspace.Json["evaluation"]!["every"] = -1;
        _workspace.Save();
    }

    [Theory]
    [InlineData("1", 4)]
    [InlineData("2.5", 8)]
    public void Leapalign_trains_z_image_and_generate_opens_the_export(string guidance, int evaluations)
    {
        var outcome = _workspace.Leapalign("train", "--set", $"guidance.scale={guidance}");
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        var steps = _workspace.Lines("small", "step");
        Assert.Equal(2, steps.Length);
        Assert.All(steps, line =>
        {
            Assert.Equal(evaluations, (int)line["evaluations"]!);
            Assert.True((double)line["gradientNorm"]! > 0);
        });
        var export = _workspace.At("runs", "small", "export");
        Assert.Contains("ZImagePipeline", File.ReadAllText(Path.Combine(export, "README.md")), StringComparison.Ordinal);
        var generated = _workspace.Leapalign("generate", "a red ring", "--model", export, "--output", "pictures", "--steps", "2", "--seed", "7");
        Assert.True(generated.ExitCode == 0, generated.Error);
        Assert.Single(Directory.GetFiles(_workspace.At("pictures"), "*.png"));
    }

    [Fact]
    public void An_adapter_trains_beside_it_and_recomputation_changes_no_bit()
    {
        string[] lora = ["--set", "adapter.id=lora", "--set", "adapter.settings.rank=4", "--set", "optimizer.settings.rate=0.01"];
        var plain = _workspace.Leapalign(["train", "--set", "run.name=plain", .. lora]);
        Assert.True(plain.ExitCode == 0, plain.Error);
        var again = _workspace.Leapalign(["train", "--set", "run.name=again", "--set", "run.checkpointing=every 2", .. lora]);
        Assert.True(again.ExitCode == 0, again.Error);
        string Adapter(string run) => _workspace.At("runs", run, "adapter", "pytorch_lora_weights.safetensors");
        Assert.True(File.Exists(Adapter("plain")));
        Assert.Equal(File.ReadAllBytes(Adapter("plain")), File.ReadAllBytes(Adapter("again")));
    }

    public void Dispose() => _workspace.Dispose();
}
