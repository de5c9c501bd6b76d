using System.Text.Json.Nodes;
using LeapAlign.Testing;

namespace LeapAlign.Integration.Tests.Reports;

/// <summary>What a run keeps beside its measurements.</summary>
[Collection(ReportedRuns.Collection)]
public sealed class RecordTests(ReportedRuns runs)
{
    [Fact]
    public void The_record_says_how_the_run_ended_and_where_it_ran_and_names_nobody()
    {
        var text = File.ReadAllText(runs.At("first", "run.json"));
        var record = JsonNode.Parse(text)!;
        Assert.Equal("Completed", (string)record["state"]!);
        Assert.Null(record["fault"]);
        // The model and the reward each cut captions.
        var warnings = record["warnings"]!.AsArray();
        Assert.Equal(["LA4011", "LA4011"], warnings.Select(static warning => (string)warning!["code"]!));
        Assert.NotEqual((string?)warnings[0]!["place"], (string?)warnings[1]!["place"]);
        foreach (var fact in new[] { "LeapAlign", ".NET", "TorchSharp", "libtorch", "system", "processor", "device", "tensor threads", "plugin leapalign" }) Assert.NotNull(record["environment"]![fact]);
        Assert.DoesNotContain(Environment.MachineName, record["environment"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.DoesNotContain(runs.At("first"), record["environment"]!.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_fails_says_so_in_its_report()
    {
        using var workspace = new Workspace();
        var outcome = workspace.Leapalign("train", "--set", "optimizer.settings.rate=10", "--set", "optimizer.settings.warmup=0", "--set", "run.steps=6", "--set", "evaluation.every=0");
        Assert.Equal(6, outcome.ExitCode);
        var record = JsonNode.Parse(File.ReadAllText(workspace.At("runs", "small", "run.json")))!;
        Assert.Equal("Faulted", (string)record["state"]!);
        Assert.Contains("LA5003", (string)record["fault"]!, StringComparison.Ordinal);
        Assert.Contains("\"state\":\"Faulted\"", File.ReadAllText(workspace.At("runs", "small", "report.html")), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_scalar_for_TensorBoard_is_that_of_metrics_and_every_grid_that_of_samples()
    {
        var events = EventFileReader.Read(Assert.Single(Directory.GetFiles(runs.At("first", "tensorboard"))));
        Assert.Equal("brain.Event:2", events[0].Version);
        var written = events.Skip(1).ToList();
        var lines = runs.Lines("first", "evaluation").Concat(runs.Lines("first", "step")).ToList();
        Assert.Equal(lines.Count, written.Count);
        foreach (var line in lines)
        {
            var (kind, step) = ((string)line["kind"]!, (long)line["step"]!);
            var found = Assert.Single(written, one => one.Step == step && one.Scalars.Keys.All(tag => tag.StartsWith(kind + "/", StringComparison.Ordinal)));
            Assert.Equal(Leaves(kind, line.AsObject()).ToDictionary(), found.Scalars.ToDictionary());
            if (kind != "evaluation") continue;
            var grid = Assert.Single(found.Images);
            Assert.Equal("evaluation/samples", grid.Key);
            Assert.Equal(File.ReadAllBytes(runs.At("first", "samples", $"step-{step:D4}.png")), grid.Value.File);
            Assert.True(grid.Value is { Width: > 0, Height: > 0 });
        }
        Assert.False(Directory.Exists(runs.At("second", "tensorboard")));
    }

    // The numbers of a line by their paths, apart from what is no scalar.
    private static IEnumerable<KeyValuePair<string, float>> Leaves(string path, JsonObject node) => node
        .Where(static pair => pair.Key is not ("kind" or "step" or "samples" or "choices"))
        .SelectMany(pair => pair.Value is JsonObject inner ? Leaves($"{path}/{pair.Key}", inner) : [new($"{path}/{pair.Key}", (float)(double)pair.Value!)]);
}
