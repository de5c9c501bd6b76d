using System.Globalization;
using System.Text.Json.Nodes;
using LeapAlign.Testing;

namespace LeapAlign.Integration.Tests.Interruptions;

/// <summary>
/// A run that games its reward. It trains on saturation, which nothing holds back; held out is the same measure with an end to it. Both rise together, until the pictures are
/// as colourful as they should be.
/// </summary>
public sealed class GamedRunTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public GamedRunTests()
    {
        _workspace.AddTestPlugin("unruly");
        _workspace.Json["run"] = new JsonObject { ["name"] = "gamed", ["steps"] = 60, ["batch"] = 4, ["ema"] = 0.9, ["threads"] = 1 };
        _workspace.Json["prompts"] = Workspace.Prompts(Path.Combine(Repository.Models, "prompts", "shapes-train.jsonl"));
        _workspace.Json["optimizer"] = new JsonObject { ["id"] = "adamw", ["settings"] = new JsonObject { ["rate"] = 1e-4, ["warmup"] = 5 } };
        _workspace.Json["rewards"] = new JsonArray(Vivid("loophole", new()), Vivid("honest", new() { ["role"] = "heldOut", ["settings"] = new JsonObject { ["enough"] = 0.2 } }));
        _workspace.Json["evaluation"] = new JsonObject { ["every"] = 2, ["prompts"] = Workspace.Prompts("eval.jsonl") };
        _workspace.Json["sentinel"] = new JsonObject { ["mode"] = "stop" };
        _workspace.Json["checkpoint"] = new JsonObject { ["every"] = 10 };
        _workspace.Save();
        var captions = File.ReadLines(Path.Combine(Repository.Models, "prompts", "shapes-eval.jsonl"));
        _workspace.Write("eval.jsonl", string.Join('\n', captions.Where(static (_, number) => number % 10 == 0)));
    }

    [Fact]
    public void The_sentinel_stops_it_in_time_and_the_better_model_is_exported()
    {
        var stopped = _workspace.Leapalign("train");
        Assert.True(stopped.ExitCode == 0, stopped.Error);
        Assert.Matches(@"warning LA5013: after step \d+ the trained reward goes on rising while 'honest' is .* below its best at step \d+ .*: it is being gamed", stopped.Error);
        var seen = Evaluations("gamed");
        var (first, best, last) = (seen[0], seen.MaxBy(static one => one.Honest), seen[^1]);
        // In time: what is held out has fallen from its best, and not yet below the model that the run began with.
        Assert.InRange(last.Step, best.Step + 1, 59);
        Assert.InRange(last.Honest, first.Honest, best.Honest);
        Assert.True(last.Loophole > best.Loophole, $"the trained reward went from {best.Loophole} at the best step to {last.Loophole}");
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"the weights of step {best.Step}, which are the best by 'honest'"), stopped.Output, StringComparison.Ordinal);

        // The exported folder itself, as a run that begins with it sees it: the best, but for the precision of the export.
        var again = _workspace.Leapalign("train", "--name", "again", "--set", "run.steps=1", "--set", $"model.settings.folder={_workspace.At("runs", "gamed", "export")}");
        Assert.True(again.ExitCode == 0, again.Error);
        var exported = Evaluations("again")[0].Honest;
        Assert.True(Math.Abs(exported - best.Honest) < 0.2 * (best.Honest - last.Honest), $"{exported} exported, {best.Honest} at the best step, {last.Honest} at the last");

        // Had nothing stopped it: the same run goes on, and ends below where it began.
        var unwatched = _workspace.Leapalign("train", "--resume", "runs/gamed", "--set", "sentinel.mode=off", "--allow-change", "sentinel.mode");
        Assert.True(unwatched.ExitCode == 0, unwatched.Error);
        var end = Evaluations("gamed")[^1];
        Assert.Equal(60, end.Step);
        Assert.True(end.Honest < first.Honest && end.Loophole > last.Loophole, $"{end} after {first}");
    }

    public void Dispose() => _workspace.Dispose();

    private static JsonObject Vivid(string name, JsonObject more)
    {
        more["id"] = "vivid";
        more["name"] = name;
        return more;
    }

    private List<(int Step, double Loophole, double Honest)> Evaluations(string run) =>
        [.. _workspace.Lines(run, "evaluation").Select(static line => ((int)line["step"]!, (double)line["rewards"]!["loophole"]!, (double)line["rewards"]!["honest"]!))];
}
