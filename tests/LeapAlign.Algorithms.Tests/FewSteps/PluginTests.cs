using System.Text.Json;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FewSteps.Tests;

public sealed class PluginTests
{
    [Theory]
    [InlineData("reflow", """{"together": 1, "pairs": 100000, "straightnessEvery": 0}""")]
    [InlineData("reflow", """{"together": 1, "pairs": 100000, "straightnessEvery": 1, "timesteps": 3}""")]
    [InlineData("reflow-distill", """{"together": 1, "pairs": 100000, "straightnessEvery": 0, "steps": 3}""")]
    public void Evaluations_are_those_that_the_method_says_it_costs_while_every_pair_is_new(string id, string json)
    {
        using var scope = NewDisposeScope();
        using var pairing = new Pairing();
        var network = new FlowNetwork { Flow = static (x, sigma, _) => GaussianFlow.Velocity(x, sigma), Captions = ["a", "b", "c", "d"] };
        network.Descend(pairing.Checked(id, json), backward: false);
        var cost = Pairing.Part(id).Cost(Pairing.Part(id).ReadSettings(json), network.Schedule.Steps)!;
        double PerImage(bool gradient) => network.Calls.Where(call => call.Gradient == gradient).Sum(static call => call.Captions.Length) / 4.0;
        Assert.Equal((cost.Plain, cost.Gradient, 0.0), (PerImage(false), PerImage(true), cost.Decoded));
    }

    [Theory]
    [InlineData("reflow", "{}", Capabilities.ReferencePolicy, Capabilities.VelocityPath)]
    [InlineData("reflow", """{"make": false, "straightnessEvery": 0}""")]
    [InlineData("reflow-distill", """{"straightnessEvery": 0}""", Capabilities.ReferencePolicy)]
    [InlineData("reflow-distill", """{"make": false}""", Capabilities.VelocityPath)]
    [InlineData("flow-map-trajectory", "{}", Capabilities.FlowMap, Capabilities.ReferencePolicy)]
    [InlineData("flow-map-trajectory", """{"make": false}""", Capabilities.FlowMap)]
    public void Whoever_makes_pairs_requires_the_first_policy_and_all_learn_guidance(string id, string json, params string[] expected)
    {
        var (part, settings) = (Pairing.Part(id), Pairing.Part(id).ReadSettings(json));
        Assert.Equal(expected, part.Requires(settings));
        Assert.Contains(Capabilities.GuidanceLearned, part.Provides(settings));
    }

    [Fact]
    public void The_manifest_lists_the_parts()
    {
        using var manifest = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Repository.Root, "plugins", "algorithms", "few-steps", "plugin.json")));
        Assert.Equal(
            manifest.RootElement.GetProperty("parts").EnumerateArray().Select(static part => (part.GetProperty("kind").GetString(), part.GetProperty("id").GetString())),
            new FewStepsPlugin().Parts.Select(static part => ((string?)part.Kind, (string?)part.Id)));
    }
}
