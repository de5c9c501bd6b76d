using System.Text.Json.Nodes;
using LeapAlign.Algorithms.Forward;
using LeapAlign.Algorithms.Forward.Copg;
using LeapAlign.Algorithms.Forward.Dso;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Pictures;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Pipeline;
using LeapAlign.Prompts.Pictures;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests;

/// <summary>A log of scores that names latents trains as one that names the pictures whose encodings they are.</summary>
public sealed class ScoredLatentsTests : IDisposable
{
    private static readonly string s_pictures = Path.Combine(Repository.Models, "scored");

    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    public static TheoryData<string> Methods => ["copg", "dso", "dso by preferences"];

    [Theory]
    [MemberData(nameof(Methods))]
    public void Steps_on_latents_are_those_on_their_pictures(string method)
    {
        Logs();
        var pictures = Trained(method, "pictures.jsonl");
        // File by file, as samples of one file, and pictures among them: to the bit.
        foreach (var log in new[] { "latents.jsonl", "rows.jsonl", "mixed.jsonl" })
        {
            var (losses, weight) = Trained(method, log);
            Assert.Equal(pictures.Losses, losses);
            Assert.True(pictures.Weight.equal(weight).all().item<bool>());
        }
        // What tells them apart is seen: the latents of another picture of the caption.
        Assert.NotEqual(Trained(method, "others.jsonl").Losses, pictures.Losses);
    }

    [Fact]
    public void A_batch_has_each_latents_at_the_place_of_its_prompt()
    {
        Logs();
        using var scope = NewDisposeScope();
        var prompts = Recording.Require(new ScoredPictures(_workspace.At("mixed.jsonl"), new ScoredSettings { Path = "mixed.jsonl" }).Read());
        using var parts = Recording.Require(RunParts.Create(Plan("copg", "mixed.jsonl"), InProcessRun.Context));
        var read = new PromptPictures(parts.Model, parts.Pictures, new OpenStages(), CPU);
        for (var number = 0; number < 3; number++)
        {
            var together = read.Latents(prompts, number);
            for (var place = 0; place < prompts.Count; place++)
            {
                var alone = read.Latents([prompts[place]], number)[0];
                Assert.InRange((together[place] - alone).abs().max().item<float>(), 0, 1e-4f);
            }
        }
        Assert.Contains(prompts, static prompt => prompt.Latents.Any(static one => one is null) && prompt.Latents.Any(static one => one is not null));
    }

    [Fact]
    public void Latents_of_another_shape_are_refused_before_the_first_step()
    {
        Logs();
        using var scope = NewDisposeScope();
        SafetensorsWriter.Write(_workspace.At("0.safetensors"), [new TensorToWrite("x", zeros(4, 8, 8), ScalarType.Float32)]).Match(static _ => 0, static fault => throw new InvalidOperationException(fault.Message));
        _workspace.Json["prompts"] = new JsonObject { ["id"] = "scored", ["settings"] = new JsonObject { ["path"] = "latents.jsonl" } };
        _workspace.Json["algorithm"] = "copg";
        _workspace.Json["run"]!["reference"] = true;
        _workspace.Save();
        var refused = _workspace.Leapalign("train");
        Assert.Equal(5, refused.ExitCode);
        Assert.Contains("LA4032", refused.Error, StringComparison.Ordinal);
        Assert.Contains("latents.jsonl(1,1) latents: these latents of 0.safetensors cannot be learnt from: the tensor 'x' is Float32 [4, 8, 8]; the model's latents are [", refused.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_workspace.At("runs", "small")) && File.Exists(_workspace.At("runs", "small", "metrics.jsonl")));
    }

    [Fact]
    public void What_is_drawn_with_its_latents_is_scored_and_learnt_from()
    {
        Directory.CreateDirectory(_workspace.At("log", "scores"));
        Succeed("generate", "a red circle", "two blue squares", "-n", "2", "-o", "log/pictures", "--rows", "log/rows.jsonl", "--latents");
        Succeed("score", "--captions", "log/rows.jsonl", "--csv", "log/scores.csv");
        var header = File.ReadLines(_workspace.At("log", "scores.csv")).First().Split(',');
        Assert.Equal(["picture", "caption", "width", "height", "latents"], header[..5]);
        // Pictures are not asked for where latents are.
        foreach (var picture in Directory.EnumerateFiles(_workspace.At("log", "pictures"), "*.png")) File.Delete(picture);
        _workspace.Json["prompts"] = new JsonObject { ["id"] = "scored", ["settings"] = new JsonObject { ["path"] = "log/scores.csv", ["picture"] = "picture", ["score"] = header[5] } };
        _workspace.Json["algorithm"] = "copg";
        _workspace.Json["run"]!["reference"] = true;
        _workspace.Json["evaluation"]!["every"] = -1;
        _workspace.Save();
        Succeed("train");
        Assert.Equal(2, _workspace.Lines("small", "step").Length);
    }

    private void Succeed(params string[] arguments)
    {
        var outcome = _workspace.Leapalign(arguments);
        Assert.True(outcome.ExitCode == 0, outcome.Error);
    }

    private RunPlan Plan(string method, string log)
    {
        // One sample in a micro-batch: what is encoded with others has other last digits.
        var plan = InProcessRun.Plan(SteppedRun.Settings with { Reference = true, Batch = 1 });
        object algorithm = method switch
        {
            "copg" => new CopgSettings(),
            "dso" => new DsoSettings(),
            _ => new DsoSettings { Loss = FeedbackLoss.Dpo },
        };
        var scored = new ScoredSettings { Path = _workspace.At(log), Threshold = method == "copg" ? null : 0.5, Score = method == "copg" ? "score" : "verdict" };
        return plan with { Algorithm = InProcessRun.Part(new ForwardPlugin(), algorithm), Prompts = InProcessRun.Part(new PicturesPlugin(), scored) };
    }

    private (double[] Losses, Tensor Weight) Trained(string method, string log)
    {
        using var run = new SteppedRun(Plan(method, log));
        Recording.Require(run.Parts.Check(Plan(method, log)));
        double[] losses = [.. Enumerable.Range(0, 3).Select(_ => run.Step().Loss)];
        Assert.All(losses, static loss => Assert.True(double.IsFinite(loss)));
        return (losses, run.Weight.detach().clone().DetachFromDisposeScope());
    }

    // The same log four times: of pictures, of their latents file by file, of one file of all, of both in turn; and once with the latents of others.
    private void Logs()
    {
        Repository.CopyFolder(Path.Combine(s_pictures, "pictures"), _workspace.At("pictures"));
        string[] lines = File.ReadAllLines(Path.Combine(s_pictures, "shapes-scored.jsonl"));
        using var scope = NewDisposeScope();
        using var parts = Recording.Require(RunParts.Create(InProcessRun.Plan(SteppedRun.Settings), InProcessRun.Context));
        var read = new PromptPictures(parts.Model, parts.Pictures, new OpenStages(), CPU);
        List<Tensor> latents = [];
        foreach (var (number, line) in lines.Index())
        {
            latents.Add(read.Latents([new Prompt(0, "") { Pictures = [_workspace.At((string)JsonNode.Parse(line)!["file"]!)] }], 0)[0]);
            Write($"{number}.safetensors", latents[^1]);
        }
        Write("all.safetensors", stack(latents));
        File.WriteAllLines(_workspace.At("pictures.jsonl"), lines);
        File.WriteAllLines(_workspace.At("latents.jsonl"), lines.Select(static (line, number) => Named(line, ("latents", $"{number}.safetensors"))));
        File.WriteAllLines(_workspace.At("rows.jsonl"), lines.Select(static (line, number) => Named(line, ("latents", "all.safetensors"), ("latents_row", number))));
        File.WriteAllLines(_workspace.At("mixed.jsonl"), lines.Select(static (line, number) => number % 3 == 1 ? line : Named(line, ("latents", $"{number}.safetensors"))));
        File.WriteAllLines(_workspace.At("others.jsonl"), lines.Select(static (line, number) => Named(line, ("latents", $"{number ^ 1}.safetensors"))));

        void Write(string name, Tensor values) => Recording.Require(SafetensorsWriter.Write(_workspace.At(name), [new TensorToWrite("x", values, ScalarType.Float32)]));
    }

    private static string Named(string line, params (string Key, JsonNode Value)[] fields)
    {
        var row = JsonNode.Parse(line)!.AsObject();
        row.Remove("file");
        foreach (var (key, value) in fields) row[key] = value;
        return row.ToJsonString();
    }
}
