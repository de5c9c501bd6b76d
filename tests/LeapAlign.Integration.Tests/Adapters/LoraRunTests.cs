using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using LeapAlign.Integration.Tests.Interruptions;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;

namespace LeapAlign.Integration.Tests.Adapters;

/// <summary>Runs of the built program that train an adapter: what they write, keep and refuse.</summary>
public sealed class LoraRunTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public LoraRunTests()
    {
        _workspace.Json["run"] = new JsonObject { ["name"] = "lora", ["steps"] = 4, ["batch"] = 2, ["reference"] = true };
        _workspace.Json["adapter"] = new JsonObject { ["id"] = "lora", ["settings"] = new JsonObject { ["rank"] = 4, ["alpha"] = 8 } };
        _workspace.Json["optimizer"] = new JsonObject { ["id"] = "adamw", ["settings"] = new JsonObject { ["rate"] = 1e-2 } };
        _workspace.Json["evaluation"]!["every"] = 0;
        _workspace.Json["checkpoint"] = new JsonObject { ["every"] = 2 };
        _workspace.Json["export"] = new JsonObject { ["merged"] = true };
        _workspace.Save();
    }

    [Fact]
    public void A_run_exports_the_adapter_and_the_merged_model_and_keeps_states_of_the_adapter_alone()
    {
        var trained = Succeed("train");
        Assert.Contains(Path.Combine("lora", "adapter"), trained.Output, StringComparison.Ordinal);
        using var adapter = Recording.Require(SafetensorsFile.Open(File("adapter", "pytorch_lora_weights.safetensors")));
        var factors = adapter.Entries;
        Assert.NotEmpty(factors);
        Assert.All(factors.Keys, static name => Assert.Matches(@"^transformer\..+\.lora_[AB]\.weight$", name));
        var numbers = factors.Values.Sum(static entry => entry.Shape.Aggregate(1L, static (product, size) => product * size));

        // Optimizer and average hold the adapter's numbers and no others; the reference, which costs nothing, is not among them.
        var checkpoint = Directory.GetDirectories(File("checkpoints")).Order(StringComparer.Ordinal).Last();
        Assert.Equal(numbers, Numbers(Path.Combine(checkpoint, "policy.safetensors")));
        Assert.Equal(numbers, Numbers(Path.Combine(checkpoint, "average.safetensors")));
        Assert.Equal(2 * numbers, Numbers(Path.Combine(checkpoint, "optimizer.safetensors")));
        Assert.DoesNotContain(Directory.GetFiles(checkpoint), static file => file.Contains("reference", StringComparison.Ordinal));

        // The merged folder draws what the model draws with the adapter's file, to the rounding of weights in the precision of the source.
        Succeed("generate", "a red circle", "--output", "merged", "--model", File("export"), "--set", "adapter=full", "--set", "run.dtype=float32");
        Succeed("generate", "a red circle", "--output", "attached", "--set", $"adapter.settings.from={File("adapter")}", "--set", "run.dtype=float32");
        Succeed("generate", "a red circle", "--output", "alone", "--set", "adapter=full", "--set", "run.dtype=float32");
        var (merged, attached, alone) = (Picture("merged"), Picture("attached"), Picture("alone"));
        var effect = Distance(attached, alone);
        Assert.True(effect > 8, $"the adapter moves the picture by {effect} of 255");
        Assert.InRange(Distance(merged, attached), 0, 2);
    }

    [Fact]
    public void A_run_beside_quantised_weights_exports_what_it_computed_with_and_says_so()
    {
        string[] quantized = ["--set", "model.settings.quantization=int8", "--set", "model.settings.quantizationCache=quantized"];
        var trained = _workspace.Leapalign(["train", "--set", "run.steps=2", "--set", "evaluation.every=-1", .. quantized]);
        Assert.True(trained.ExitCode == 0, trained.Error);
        Assert.Contains("LA4021", trained.Error, StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(_workspace.At("quantized"), "*.safetensors"));
        var refused = _workspace.Leapalign(["train", "--set", "adapter=full", .. quantized]);
        Assert.Equal(4, refused.ExitCode);
        Assert.Contains("quantised weights cannot be trained", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_is_killed_goes_on_to_the_same_bytes()
    {
        Succeed("train", "--name", "whole");
        using (var process = BuiltHost.Start(_workspace.Folder, BuiltHost.Program, "train", "--name", "killed"))
        {
            string? line;
            do line = process.StandardOutput.ReadLine();
            while (line is not null && !line.StartsWith("step 3/", StringComparison.Ordinal));
            Assert.NotNull(line);
            using (var kill = Process.Start("kill", ["-KILL", $"{process.Id}"])) kill.WaitForExit();
            BuiltHost.Finish(process);
        }
        Succeed("train", "--resume", _workspace.At("runs", "killed"));
        Assert.Equal(Digest.Metrics(_workspace.At("runs", "whole")), Digest.Metrics(_workspace.At("runs", "killed")));
        Assert.Equal(Hash("whole"), Hash("killed"));
        // A checkpoint is exported as the run itself is, and the steps can be done again.
        Succeed("checkpoint", "export", _workspace.At("runs", "killed"), "--output", "some/exported");
        Assert.Equal(Hash("whole"), Convert.ToHexString(SHA256.HashData(System.IO.File.ReadAllBytes(_workspace.At("some", "exported", "adapter", "pytorch_lora_weights.safetensors")))));
        Succeed("replay", _workspace.At("runs", "killed"), "--step", "4");
    }

    [Theory]
    [InlineData("LA", "to_qq", "adapter.settings.targets=[\"attn.to_qq\"]")]
    [InlineData("LA", "rank", "adapter.settings.rank=100000")]
    [InlineData("LA5025", "to the last bit", "optimizer.settings.rate=1e-30")]
    public void What_would_train_nothing_is_refused(string code, string word, string set)
    {
        var outcome = _workspace.Leapalign("train", "--set", set);
        Assert.NotEqual(0, outcome.ExitCode);
        var error = Assert.Single(outcome.Error.Split('\n'), static line => line.StartsWith("error ", StringComparison.Ordinal));
        Assert.Contains(code, error, StringComparison.Ordinal);
        Assert.Contains(word, error, StringComparison.Ordinal);
    }

    public void Dispose() => _workspace.Dispose();

    private string File(params string[] parts) => _workspace.At(["runs", "lora", .. parts]);

    private string Hash(string run) => Convert.ToHexString(SHA256.HashData(System.IO.File.ReadAllBytes(_workspace.At("runs", run, "adapter", "pytorch_lora_weights.safetensors"))));

    private byte[] Picture(string folder)
    {
        using var picture = SkiaSharp.SKBitmap.Decode(Assert.Single(Directory.GetFiles(_workspace.At(folder))));
        return picture.Bytes;
    }

    private static int Distance(byte[] left, byte[] right) => left.Zip(right, static (one, other) => Math.Abs(one - other)).Max();

    private static long Numbers(string path)
    {
        using var file = Recording.Require(SafetensorsFile.Open(path));
        return file.Entries.Values.Sum(static entry => entry.Shape.Aggregate(1L, static (product, size) => product * size));
    }

    private Outcome Succeed(params string[] arguments)
    {
        var outcome = _workspace.Leapalign(arguments);
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        return outcome;
    }
}
