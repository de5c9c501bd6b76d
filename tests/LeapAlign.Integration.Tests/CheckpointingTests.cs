using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace LeapAlign.Integration.Tests;

/// <summary>Runs whose blocks are computed again in the backward: the same run to the last bit.</summary>
public sealed class CheckpointingTests : IDisposable
{
    private readonly Workspace _workspace = new();

    [Theory]
    [InlineData("full", "leapalign", 3)]
    [InlineData("lora", "leapalign", 0)]
    [InlineData("lora", "flow-grpo", 0)]
    public void A_run_does_not_depend_on_what_is_kept_for_the_backward(string adapter, string algorithm, int guidance)
    {
        _workspace.Json["adapter"] = adapter;
        _workspace.Json["algorithm"] = algorithm;
        if (algorithm == "flow-grpo") _workspace.Json["sampler"] = new JsonObject { ["id"] = "flow-sde", ["settings"] = new JsonObject { ["steps"] = 4 } };
        if (guidance > 0) _workspace.Json["guidance"] = new JsonObject { ["scale"] = guidance };
        if (algorithm == "flow-grpo") (_workspace.Json["run"]!["group"], _workspace.Json["run"]!["accumulation"], _workspace.Json["run"]!["reference"]) = (2, 2, true);
        _workspace.Json["optimizer"] = new JsonObject { ["id"] = "adamw", ["settings"] = new JsonObject { ["rate"] = 1e-2 } };
        _workspace.Json["evaluation"]!["every"] = -1;
        _workspace.Save();
        var plain = Run("none");
        Assert.Equal(plain, Run("blocks"));
        if (adapter == "full") Assert.Equal(plain, Run("every 4"));
    }

    [Fact]
    public void Another_word_is_refused_with_what_is_expected()
    {
        var refused = _workspace.Leapalign("train", "--set", "run.checkpointing=all");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("none, blocks, or every n", refused.Error, StringComparison.Ordinal);
    }

    public void Dispose() => _workspace.Dispose();

    // What every step did, and the weights that came out.
    private (string Steps, string Weights) Run(string checkpointing)
    {
        var name = checkpointing.Replace(' ', '-');
        var trained = _workspace.Leapalign("train", "--name", name, "--set", $"run.checkpointing={checkpointing}");
        Assert.True(trained.ExitCode == 0, trained.Error);
        var steps = _workspace.Lines(name, "step").Select(static line =>
        {
            var numbers = line.AsObject();
            numbers.Remove("timings");
            return numbers.ToJsonString();
        });
        var files = Directory.EnumerateFiles(_workspace.At("runs", name), "*.safetensors", SearchOption.AllDirectories)
            .Where(static file => !file.Contains("checkpoints", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToArray();
        Assert.NotEmpty(files);
        return (string.Join('\n', steps), string.Join('\n', files.Select(static file => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file))))));
    }
}
