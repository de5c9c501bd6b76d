using System.Text;
using System.Text.Json.Nodes;
using LeapAlign.Bench.Fuzz;
using LeapAlign.Bench.Fuzz.Targets;
using LeapAlign.Testing;

namespace LeapAlign.Bench.Tests;

/// <summary>The targets of the command <c>fuzz</c>, small: the corpus, and some thousand mutants. LEAPALIGN_FUZZ sets how many.</summary>
public sealed class FuzzTargetTests
{
    private static readonly long s_count = long.TryParse(Environment.GetEnvironmentVariable("LEAPALIGN_FUZZ"), out var count) ? count : 1500;

    public static TheoryData<string> Targets => [.. FuzzTargets.All.Keys];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Every_file_is_read_or_refused(string name)
    {
        var target = FuzzTargets.All[name](Repository.Root);
        using var _ = target as IDisposable;
        var report = new FuzzRun(target, Corpus.Of(Repository.Root, target).Read(), TimeSpan.FromSeconds(30)).Run(seed: 20, s_count);
        Assert.True(report.Failures.Count == 0, string.Join('\n', report.Failures.Select(static failure => $"{failure.Reason}: {Encoding.Latin1.GetString(failure.Input)}")));
        Assert.True(report.Tried >= s_count);
        // One that sees one outcome only does not reach what is behind the first check.
        Assert.True(report.Accepted > s_count / 50, $"{report.Accepted} were accepted");
        Assert.True(report.Faults.Values.Sum() > s_count / 10, $"{report.Faults.Values.Sum()} were refused");
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void A_mutant_is_a_function_of_seed_and_number(string name)
    {
        var target = FuzzTargets.All[name](Repository.Root);
        using var _ = target as IDisposable;
        var run = new FuzzRun(target, [], TimeSpan.FromSeconds(30));
        Assert.Equal(run.Mutant(3, 7), run.Mutant(3, 7));
        Assert.True(Enumerable.Range(0, 50).Select(number => Convert.ToHexString(run.Mutant(3, number))).Distinct().Count() > 40);
        Assert.NotEqual(run.Mutant(3, 7), run.Mutant(4, 7));
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("run.stepz", "run.stepz")]
    [InlineData("sampler.settings.stepz", "sampler.settings.stepz")]
    [InlineData("rewards[1].rolle", "rewards[1].rolle")]
    [InlineData("evaluation.prompts.settings.x", "evaluation.prompts.settings.x")]
    [InlineData("evaluation.x", "evaluation.x")]
    [InlineData("x", "x")]
    public void A_key_that_is_not_known_is_found(string key, string? found)
    {
        var schema = JsonNode.Parse(File.ReadAllText(Path.Combine(Repository.Root, "plugins.schema.json")))!.AsObject();
        var run = Run();
        if (key.Length > 0) Put(run, key, 1);
        Assert.Equal(found, new KnownKeys(schema).FirstUnknown(run));
    }

    [Theory]
    [InlineData("run.steps", "7", null)]
    [InlineData("run.steps", "8", "run.steps")]
    [InlineData("rewards[0].weight", "2.0000001", null)]
    [InlineData("rewards[0].weight", "2.1", "rewards[0].weight")]
    [InlineData("rewards[0].settings.x", "1", "rewards[0].settings.x")]
    [InlineData("algorithm", "\"draft\"", "algorithm")]
    [InlineData("rewards", "[]", "rewards")]
    public void A_value_that_is_lost_is_found(string key, string value, string? found)
    {
        var resolved = JsonNode.Parse("""{ "run": { "steps": 7, "seed": 0 }, "algorithm": { "id": "leapalign", "settings": {} }, "rewards": [{ "id": "clip", "weight": 2, "settings": {} }] }""")!.AsObject();
        var read = JsonNode.Parse("""{ "$schema": "x", "run": { "steps": 7 }, "algorithm": "leapalign", "rewards": [{ "id": "clip", "settings": {} }] }""")!.AsObject();
        Assert.Null(ResolvedKeys.FirstLost(read, resolved));
        Put(read, key, JsonNode.Parse(value)!);
        Assert.Equal(found, ResolvedKeys.FirstLost(read, resolved));
    }

    private static JsonObject Run()
    {
        var run = JsonNode.Parse(File.ReadAllText(Path.Combine(Repository.Root, "plugins.json")))!.AsObject();
        run["algorithm"] = "leapalign";
        return run;
    }

    private static void Put(JsonObject root, string key, JsonNode value)
    {
        JsonNode at = root;
        string[] names = key.Replace("[", ".", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal).Split('.');
        foreach (var name in names[..^1]) at = int.TryParse(name, out var index) ? at[index]! : at[name]!;
        at[names[^1]] = value;
    }
}
