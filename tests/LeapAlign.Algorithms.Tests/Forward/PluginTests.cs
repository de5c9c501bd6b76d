using System.Text.Json;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Tests;

public sealed class PluginTests
{
    [Theory]
    [InlineData("nft", "{}")]
    [InlineData("nft", """{"klWeight": 0, "timesteps": 3}""")]
    [InlineData("awm", "{}")]
    [InlineData("awm", """{"klWeight": 0, "emaKlWeight": 0}""")]
    [InlineData("awm", """{"updates": 3}""")]
    [InlineData("dpo", "{}")]
    [InlineData("dpo", """{"source": "preferences", "timesteps": 5}""")]
    [InlineData("dgpo", "{}")]
    [InlineData("dgpo", """{"clip": null, "klWeight": 0}""")]
    [InlineData("dgpo", """{"referenceGuided": true}""")]
    [InlineData("crd", "{}")]
    [InlineData("crd", """{"klWeight": 0}""")]
    [InlineData("sft", "{}")]
    [InlineData("sft", """{"timesteps": 7}""")]
    [InlineData("copg", "{}")]
    [InlineData("copg", """{"group": 3, "timesteps": 4}""")]
    [InlineData("copg", """{"source": "online"}""")]
    [InlineData("dso", "{}")]
    [InlineData("dso", """{"guard": null}""")]
    [InlineData("dso", """{"loss": "dpo", "timesteps": 3, "sharedNoise": false}""")]
    [InlineData("dso", """{"pairs": false}""")]
    [InlineData("dso", """{"source": "online", "threshold": -10, "pairs": false}""")]
    [InlineData("ddo", "{}")]
    [InlineData("ddo", """{"fakes": "generated", "timesteps": 2}""")]
    public void Evaluations_are_those_that_the_method_says_it_costs(string id, string json)
    {
        using var scope = NewDisposeScope();
        var part = Part(id);
        var settings = part.ReadSettings(json);
        var grouped = Networks.Grouped();
        var network = new PolicyNetwork { Clean = grouped.Clean, Groups = grouped.Groups, Further = [grouped.Clean, grouped.Clean], Scored = static _ => [1, 0, 1] };
        network.Descend((IAlgorithm)Recording.Require(part.Create(settings, new PartContext
        {
            Name = id,
            BaseFolder = AppContext.BaseDirectory,
            Device = CPU,
            ComputeType = float32,
            Logger = NullLogger.Instance,
            Warn = static _ => { },
        })));
        var images = network.Clean.Sum(static batch => batch.Length);
        var cost = part.Cost(settings, network.Schedule.Steps)!;
        Assert.Equal(cost.Gradient, network.Trainings.Sum(static call => call.Samples) / (double)images, 1e-12);
        Assert.Equal(cost.Plain, network.Calls.Where(static call => !call.Gradient).Sum(static call => call.Samples) / (double)images, 1e-12);
        Assert.Equal(0, cost.Decoded);
    }

    [Theory]
    [InlineData("nft", "{}", Capabilities.GroupedPrompts, Capabilities.ReferencePolicy)]
    [InlineData("nft", """{"klWeight": 0}""", Capabilities.GroupedPrompts)]
    [InlineData("awm", "{}", Capabilities.GroupedPrompts, Capabilities.ReferencePolicy)]
    [InlineData("awm", """{"klWeight": 0}""", Capabilities.GroupedPrompts)]
    [InlineData("dpo", "{}", Capabilities.GroupedPrompts, Capabilities.ReferencePolicy)]
    [InlineData("dpo", """{"source": "preferences"}""", Capabilities.PreferencePairs, Capabilities.ReferencePolicy)]
    [InlineData("dpo", """{"refreshEvery": 40}""", Capabilities.GroupedPrompts)]
    [InlineData("dgpo", "{}", Capabilities.GroupedPrompts, Capabilities.ReferencePolicy)]
    [InlineData("crd", "{}", Capabilities.GroupedPrompts, Capabilities.ReferencePolicy)]
    [InlineData("crd", """{"klWeight": 0}""", Capabilities.GroupedPrompts)]
    [InlineData("sft", "{}", Capabilities.Pictures)]
    [InlineData("copg", "{}", Capabilities.ScoredPictures, Capabilities.ReferencePolicy)]
    [InlineData("copg", """{"source": "online"}""", Capabilities.GroupedPrompts, Capabilities.ReferencePolicy)]
    [InlineData("dso", "{}", Capabilities.VerdictPairs, Capabilities.ReferencePolicy)]
    [InlineData("dso", """{"guard": null}""", Capabilities.VerdictPairs)]
    [InlineData("dso", """{"guard": null, "pairs": false}""", Capabilities.Verdicts)]
    [InlineData("dso", """{"guard": null, "loss": "dpo"}""", Capabilities.VerdictPairs, Capabilities.ReferencePolicy)]
    [InlineData("dso", """{"source": "online"}""", Capabilities.GroupedPrompts, Capabilities.ReferencePolicy)]
    [InlineData("dso", """{"source": "online", "guard": null, "pairs": false}""")]
    [InlineData("ddo", "{}", Capabilities.PreferencePairs, Capabilities.ReferencePolicy)]
    [InlineData("ddo", """{"fakes": "generated"}""", Capabilities.Pictures, Capabilities.ReferencePolicy)]
    public void Requires_what_its_settings_need(string id, string json, params string[] expected) =>
        Assert.Equal(expected, Part(id).Requires(Part(id).ReadSettings(json)));

    [Fact]
    public void The_manifest_lists_the_parts()
    {
        using var manifest = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Repository.Root, "plugins", "algorithms", "forward", "plugin.json")));
        Assert.Equal(
            manifest.RootElement.GetProperty("parts").EnumerateArray().Select(static part => (part.GetProperty("kind").GetString(), part.GetProperty("id").GetString())),
            new ForwardPlugin().Parts.Select(static part => ((string?)part.Kind, (string?)part.Id)));
    }

    [Theory]
    [InlineData("nft", """{"timesteps": 2}""", "timesPerSample", "true")]
    [InlineData("awm", """{"timesteps": 2}""", "timeRangeEnd", "0.9")]
    [InlineData("awm", "{}", "weighting", "\"ghuber\"")]
    [InlineData("dpo", """{"beta": 2000}""", "times", "\"logit-normal\"")]
    [InlineData("crd", """{"beta": 2}""", "updates", "2")]
    [InlineData("copg", """{"beta": 2}""", "timesteps", "2")]
    [InlineData("dso", """{"beta": 2}""", "logitMean", "1")]
    public void Defaults_of_a_method_hold_beside_what_is_set(string id, string json, string key, string expected)
    {
        var part = Part(id);
        using var written = JsonDocument.Parse(part.WriteSettings(part.ReadSettings(json)));
        Assert.Equal(expected, written.RootElement.GetProperty(key).GetRawText());
    }

    private static PartDefinition Part(string id) => new ForwardPlugin().Parts.Single(part => part.Id == id);
}
