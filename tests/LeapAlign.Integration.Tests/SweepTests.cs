using System.Text.Json.Nodes;

namespace LeapAlign.Integration.Tests;

/// <summary>A sweep of the built program: its members are processes of it.</summary>
public sealed class SweepTests : IDisposable
{
    private readonly Workspace _workspace = new();

    [Fact]
    public void Members_run_are_compared_and_are_passed_over_the_next_time()
    {
        _workspace.Json["run"] = new JsonObject { ["steps"] = 1, ["batch"] = 2, ["threads"] = 1 };
        _workspace.Save();
        _workspace.Write("pair.json", """{ "axes": { "run.seed": [0, 1] } }""");
        var first = _workspace.Leapalign("sweep", "pair.json", "--jobs", "2");
        Assert.True(first.ExitCode == 0, first.Error);
        Assert.Matches(@"\[2/2\] seed=1: finished in [\d.]+ s: reward [\d.-]+, judge [\d.-]+\n", first.Output);
        var folders = new[] { "seed=0", "seed=1" }.Select(name => _workspace.At("runs", "pair", name)).ToList();
        Assert.All(folders, static folder =>
        {
            Assert.Equal("Completed", (string)JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "run.json")))!["state"]!);
            Assert.Contains("step 1/1", File.ReadAllText($"{folder}.log"), StringComparison.Ordinal);
        });
        var rewards = folders.Select(folder => (double)_workspace.Lines(Path.Combine("pair", Path.GetFileName(folder)), "evaluation")[^1]["rewards"]!["judge"]!).ToList();
        Assert.NotEqual(rewards[0], rewards[1]);
        var group = Assert.Single(JsonNode.Parse(File.ReadAllText(_workspace.At("runs", "pair", "summary.json")))!["groups"]!.AsArray())!;
        Assert.Equal(rewards.Average(), (double)group["rewards"]!["judge"]!["mean"]!, 1e-12);
        // Of two numbers it is their distance over the root of two.
        Assert.Equal(Math.Abs(rewards[0] - rewards[1]) / Math.Sqrt(2), (double)group["rewards"]!["judge"]!["deviation"]!, 1e-12);
        var page = File.ReadAllText(_workspace.At("runs", "pair", "report.html"));
        Assert.Contains("<title>seed=0, seed=1", page, StringComparison.Ordinal);

        var metrics = folders.Select(static folder => File.GetLastWriteTimeUtc(Path.Combine(folder, "metrics.jsonl"))).ToList();
        var again = _workspace.Leapalign("sweep", "pair.json");
        Assert.True(again.ExitCode == 0, again.Error);
        Assert.Contains("[1/2] seed=0: finished before\n[2/2] seed=1: finished before\n", again.Output, StringComparison.Ordinal);
        Assert.Equal(metrics, folders.Select(static folder => File.GetLastWriteTimeUtc(Path.Combine(folder, "metrics.jsonl"))));
    }

    public void Dispose() => _workspace.Dispose();
}
