using System.Globalization;
using System.Text.Json.Nodes;
using LeapAlign.Testing;

namespace LeapAlign.Integration.Tests;

/// <summary>Every shipped example composes and takes a step of few samples, and there is one for each algorithm.</summary>
public sealed class ExampleTests : IDisposable
{
    private static readonly string s_examples = Path.Combine(Repository.Root, "examples");
    private readonly DirectoryInfo _runs = Directory.CreateTempSubdirectory("leapalign-examples-");

    public static TheoryData<string> Examples() => [.. Directory.GetFiles(s_examples, "*.json").Select(static path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Examples))]
    public void An_example_trains(string example)
    {
        // Two samples of each of two prompts where the method needs groups; whatever else the example says stays.
        var says = JsonNode.Parse(File.ReadAllText(Path.Combine(s_examples, example)))!;
        var run = says["run"]!;
        List<string> overrides = ["run.steps=1", "run.batch=4", "run.threads=1", $"run.folder={_runs.FullName}", "evaluation.every=-1", "checkpoint.every=-1"];
        if (run["group"] is not null) overrides.Add("run.group=2");
        var outcome = BuiltHost.Run(Repository.Root, ["train", "-c", Path.Combine("examples", example), "--name", "run", .. overrides.SelectMany(static text => new[] { "--set", text })]);
        // Two samples of a prompt often have the same count of objects, which a method that learns from pairs says. Weights in fewer bits are made once, which is said.
        Assert.All(outcome.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries), static line => Assert.Matches("^(warning LA5019|info: .* quantising )", line));
        Assert.Equal(0, outcome.ExitCode);
        var step = JsonNode.Parse(Assert.Single(File.ReadAllLines(Path.Combine(_runs.FullName, "run", "metrics.jsonl"))))!;
        Assert.True(double.IsFinite((double)step["loss"]!));
        // What an adapter trained is a file beside the model, unless it is to be merged into it.
        string[] exported = says["adapter"] is null || says["export"]?["merged"]?.GetValue<bool>() == true ? ["export", "transformer", "config.json"] : ["adapter", "pytorch_lora_weights.safetensors"];
        Assert.True(File.Exists(Path.Combine([_runs.FullName, "run", .. exported])));
    }

    // As it is shipped: with more samples it takes minutes.
    [Fact]
    public void A_calibration_finds_scales_that_keep_the_other_reward()
    {
        var outcome = BuiltHost.Run(Repository.Root, "train", "-c", Path.Combine("examples", "calibration", "constrained-newton.json"), "--name", "run", "--set", $"run.folder={_runs.FullName}", "--set", "run.threads=1", "--set", "evaluation.every=-1");
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        var step = JsonNode.Parse(Assert.Single(File.ReadAllLines(Path.Combine(_runs.FullName, "run", "metrics.jsonl"))))!["measurements"]!;
        Assert.True((double)step["constrained-newton_loss_after"]! < (double)step["constrained-newton_loss_before"]!);
        Assert.InRange(Math.Abs((double)step["constrained-newton_off_judge"]!), 0, 0.01);
        Assert.NotEqual(1, (double)step["constrained-newton_scale_0"]!);
    }

    [Fact]
    public void There_is_an_example_for_each_algorithm_and_each_has_its_page()
    {
        var listed = BuiltHost.Run(Repository.Root, "list", "--kind", "algorithm").Output;
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "algorithms.md"));
        var ids = Directory.GetFiles(Path.Combine(Repository.Root, "plugins", "algorithms"), "plugin.json", SearchOption.AllDirectories)
            .SelectMany(static manifest => JsonNode.Parse(File.ReadAllText(manifest))!["parts"]!.AsArray())
            .Where(static part => (string)part!["kind"]! == "algorithm").Select(static part => (string)part!["id"]!).Distinct().ToList();
        Assert.NotEmpty(ids);
        Assert.All(ids, id =>
        {
            Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"{id}.json"), Examples().Select(static row => row.Data));
            Assert.Contains($"**`{id}`**", page.Replace("`, `", "`**, **`", StringComparison.Ordinal), StringComparison.Ordinal);
            Assert.Contains($"\n{id} ", listed, StringComparison.Ordinal);
        });
    }

    public void Dispose() => _runs.Delete(recursive: true);
}
