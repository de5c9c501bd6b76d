using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Configuration;

public sealed class OverrideTests
{
    private const string TwoRewards = """
        {
          "run": { "seed": 1 },
          "model": { "id": "canvas", "settings": { "folder": "m" } },
          "prompts": "lines",
          "sampler": { "id": "euler", "settings": { "steps": 4, "shift": 2 } },
          "algorithm": { "id": "policy", "settings": { "exact": false, "groups": [1, 2] } },
          "rewards": ["smooth", { "id": "flat", "name": "judge", "role": "heldOut" }],
          "optimizer": "descent"
        }
        """;

    [Theory]
    [InlineData("run.seed=7", "run.seed", "7")]
    [InlineData("run.steps=3", "run.steps", "3")]
    [InlineData("evaluation.every=5", "evaluation.every", "5")]
    [InlineData("run.name=abc", "run.name", "\"abc\"")]
    [InlineData("run.name=\"12\"", "run.name", "\"12\"")]
    [InlineData("run.tuning=false", "run.tuning", "false")]
    [InlineData("sampler.settings.shift=null", "sampler.settings.shift", "null")]
    [InlineData("prompts.settings.path=a=b.txt", "prompts.settings.path", "\"a=b.txt\"")]
    [InlineData("algorithm.settings.groups=[3, 3]", "algorithm.settings.groups", "[3,3]")]
    [InlineData("algorithm.settings.groups[1]=9", "algorithm.settings.groups", "[1,9]")]
    [InlineData("rewards.0.weight=2", "rewards.0.weight", "2")]
    [InlineData("rewards[1].weight=2", "rewards.1.weight", "2")]
    [InlineData("rewards.judge.weight=0.5", "rewards.1.weight", "0.5")]
    [InlineData("rewards.smooth.settings.tint=red", "rewards.0.settings.tint", "\"red\"")]
    [InlineData("rewards.smooth.settings.channels.red=1", "rewards.0.settings.channels.red", "1")]
    [InlineData("evaluation.prompts=lines", "evaluation.prompts.id", "\"lines\"")]
    [InlineData("sampler=sde", "sampler.id", "\"sde\"")]
    [InlineData("sampler=sde", "sampler.settings.steps", "10")]
    [InlineData("sampler.id=sde", "sampler.settings.steps", "4")]
    [InlineData("rewards[1]={ \"id\": \"flat\", \"name\": \"other\", \"role\": \"heldOut\" }", "rewards.1.name", "\"other\"")]
    public void A_key_takes_the_value(string set, string key, string expected)
    {
        var resolved = System.Text.Json.Nodes.JsonNode.Parse(TestWorkspace.Compose(TwoRewards, set).Value().ResolvedJson)!;
        System.Text.Json.Nodes.JsonNode? at = resolved;
        foreach (var name in key.Split('.')) at = int.TryParse(name, out var index) ? at![index] : at![name];
        Assert.Equal(expected, at?.ToJsonString() ?? "null");
    }

    [Fact]
    public void Later_overrides_win_and_build_on_earlier_ones()
    {
        var plan = TestWorkspace.Compose(TwoRewards, "run.seed=2", "algorithm=direct", "run.seed=3", "sampler=sde", "sampler.settings.steps=77").Value();
        Assert.Equal(3, plan.Run.Seed);
        Assert.Equal("direct", plan.Algorithm.Definition.Id);
        Assert.Contains("\"steps\":77", plan.Sampler.Definition.WriteSettings(plan.Sampler.Settings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(FaultCodes.UnknownKey, "run.stepz=3", "run.stepz", "did you mean 'steps'?")]
    [InlineData(FaultCodes.UnknownKey, "rum.steps=3", "rum", "did you mean 'run'?")]
    [InlineData(FaultCodes.UnknownKey, "algorithm.settings.exakt=true", "algorithm.settings.exakt", "did you mean 'exact'?")]
    [InlineData(FaultCodes.UnknownKey, "rewards.judge.wait=1", "rewards[1].wait", "'weight'")]
    [InlineData(FaultCodes.WrongType, "run.steps=many", "run.steps", "'many'")]
    [InlineData(FaultCodes.WrongType, "run.name=5", "run.name", "a text was expected")]
    [InlineData(FaultCodes.OutOfRange, "run.steps=0", "run.steps", "1 to 10000000")]
    [InlineData(FaultCodes.UnknownPlugin, "algorithm=polisy", "algorithm", "did you mean 'policy'?")]
    [InlineData(FaultCodes.BadOption, "run.seed.more=1", "run.seed", "has no keys")]
    [InlineData(FaultCodes.BadOption, "rewards.2.weight=1", "rewards", "2 entries")]
    [InlineData(FaultCodes.BadOption, "rewards.-1.weight=1", "rewards", "2 entries")]
    [InlineData(FaultCodes.BadOption, "rewards.juge.weight=1", "rewards", "did you mean 'judge'?")]
    [InlineData(FaultCodes.BadOption, "run.seed", null, "path.to.key=value")]
    [InlineData(FaultCodes.BadOption, "=3", null, "path.to.key=value")]
    [InlineData(FaultCodes.BadOption, "run..seed=3", null, "empty name")]
    public void A_wrong_override_is_a_fault_at_the_option(string code, string set, string? key, string words)
    {
        var fault = TestWorkspace.Compose(TwoRewards, set).Fault(code, words);
        Assert.Equal("--set", fault.Place!.File);
        Assert.Equal(0, fault.Place.Line);
        Assert.Equal(key, fault.Place.Key);
    }

    [Fact]
    public void A_fault_beside_an_override_still_lies_in_the_file()
    {
        var json = TwoRewards.Replace("\"seed\": 1", "\"seed\": -1", StringComparison.Ordinal);
        var fault = TestWorkspace.Compose(json, "run.steps=3").Fault(FaultCodes.OutOfRange, "run.seed");
        Assert.Equal(2, fault.Place!.Line);
    }
}
