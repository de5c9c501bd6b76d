using System.Text.Json.Nodes;
using LeapAlign.Testing;

namespace LeapAlign.Integration.Tests;

/// <summary>The built program on a small FLUX folder: it trains, and what it exports is opened again.</summary>
public sealed class FluxRunTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public FluxRunTests()
    {
        _workspace.Json["model"] = new JsonObject { ["id"] = "flux", ["settings"] = new JsonObject { ["folder"] = Repository.Fixture("pipeline-flux", "model") } };
        _workspace.Json["guidance"] = new JsonObject { ["scale"] = 3.5 };
        _workspace.Json["run"]!["size"] = "64x32";
        _workspace.Json["evaluation"]!["every"] = -1;
        _workspace.Save();
    }

    [Fact]
    public void Leapalign_trains_flux_and_generate_opens_the_export()
    {
        var outcome = _workspace.Leapalign("train");
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        var steps = _workspace.Lines("small", "step");
        Assert.Equal(2, steps.Length);
        // The scale is an input: a velocity under guidance is one evaluation.
        Assert.All(steps, static line =>
        {
            Assert.Equal(4, (int)line["evaluations"]!);
            Assert.True((double)line["gradientNorm"]! > 0);
        });
        var export = _workspace.At("runs", "small", "export");
        Assert.Contains("FluxPipeline", File.ReadAllText(Path.Combine(export, "README.md")), StringComparison.Ordinal);
        var generated = _workspace.Leapalign("generate", "a red ring", "--model", export, "--output", "pictures", "--steps", "2", "--seed", "7");
        Assert.True(generated.ExitCode == 0, generated.Error);
        Assert.Single(Directory.GetFiles(_workspace.At("pictures"), "*.png"));
    }

    [Fact]
    public void A_size_that_no_token_fits_is_refused_before_anything_is_written()
    {
        var outcome = _workspace.Leapalign("train", "--set", "run.size=64x40");
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains("LA1005", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("multiples of 16", outcome.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_workspace.At("runs")));
    }

    public void Dispose() => _workspace.Dispose();
}
