using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel.Rewards;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging.Abstractions;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Composition;

/// <summary>Rewards that compute elsewhere than the run, or whose weights wait on the host.</summary>
public sealed class RewardPlacementTests
{
    [Fact]
    public void A_reward_without_weights_of_its_own_is_not_placed_on_the_host() =>
        TestWorkspace.Compose(TestWorkspace.Valid, "rewards=[{ \"id\": \"smooth\", \"placement\": \"host\" }]").Fault(FaultCodes.SettingsDoNotFit, "'smooth' cannot leave its weights", "rewards[0].placement");

    [Theory]
    [InlineData("host")]
    [InlineData("cpu")]
    public void A_reward_of_latents_is_where_the_model_is(string place) =>
        TestWorkspace.Compose(TestWorkspace.Valid, $"rewards=[\"smooth\", {{ \"id\": \"deep\", \"placement\": \"{place}\" }}]").Fault(FaultCodes.SettingsDoNotFit, "'deep' scores latents", "rewards[1].placement");

    [Theory]
    [InlineData("run")]
    [InlineData("cpu")]
    public void Others_are_where_they_are_wanted(string place)
    {
        var plan = TestWorkspace.Compose(TestWorkspace.Valid, $"rewards=[{{ \"id\": \"smooth\", \"placement\": \"{place}\" }}]").Value();
        Assert.Equal(place, plan.Rewards[0].Placement);
        Assert.Equal(place, (plan.Rewards[0].Written.Entry as RewardEntry)!.Placement);
    }

    [Theory]
    [InlineData("scorer", 0, "'smooth' is computed by processes that only score, and there are none", "rewards[0].placement")]
    [InlineData("scorer:1", 1, "by process 1 of those that score, and run.scorers is 1: they are scorer:0", "rewards[0].placement")]
    [InlineData("scorer:0", 2, "run.scorers is 2, but no reward has the placement scorer or scorer:1", "run.scorers")]
    [InlineData("run", 1, "run.scorers is 1, but no reward has the placement scorer", "run.scorers")]
    public void Processes_that_score_are_there_and_have_something_to_score(string place, int scorers, string told, string key) =>
        TestWorkspace.Compose(TestWorkspace.Valid, $"run.scorers={scorers}", "collective=alone", $"rewards=[{{ \"id\": \"smooth\", \"placement\": \"{place}\" }}]").Fault(FaultCodes.SettingsDoNotFit, told, key);

    [Theory]
    [InlineData("scorer")]
    [InlineData("scorer:1")]
    public void Where_they_are_a_reward_may_be_placed_there(string place)
    {
        var plan = TestWorkspace.Compose(TestWorkspace.Valid, "run.scorers=2", "collective=alone", $"rewards=[{{ \"id\": \"smooth\", \"placement\": \"scorer:0\" }}, {{ \"id\": \"smooth\", \"name\": \"other\", \"placement\": \"{place}\" }}]").Value();
        Assert.Equal(place, (plan.Rewards[1].Written.Entry as RewardEntry)!.Placement);
    }

    [Fact]
    public void Processes_that_score_need_to_be_joined() =>
        TestWorkspace.Compose(TestWorkspace.Valid, "run.scorers=1", "rewards=[{ \"id\": \"smooth\", \"placement\": \"scorer\" }]").Fault(FaultCodes.SettingsDoNotFit, "no \"collective\" that would join the processes", "run.scorers");

    [Fact]
    public void A_word_that_is_no_place_is_refused() =>
        TestWorkspace.Compose(TestWorkspace.Valid, "rewards=[{ \"id\": \"smooth\", \"placement\": \"moon\" }]").Fault(FaultCodes.UnknownValue, "'moon'");

    [Fact]
    public void Pictures_and_gradients_travel_to_the_reward_and_back()
    {
        using var scope = NewDisposeScope();
        List<(DeviceType Context, bool OnHost, DeviceType Seen)> seen = [];
        var reward = Make("elsewhere", CPU, seen).Value();
        var images = full([2, 3, 4, 4], 0.5f).requires_grad_();
        var scores = reward.Score(new ScoredSamples([new Prompt(0, "a"), new Prompt(1, "b")]) { Images = images }, images);
        Assert.Equal((DeviceType.META, false, DeviceType.META), Assert.Single(seen));
        Assert.Equal(DeviceType.META, scores.device_type);
        Assert.True(scores.requires_grad);
        seen.Clear();
        Make("host", CPU, seen).Value().Score(new ScoredSamples([new Prompt(0, "a")]) { Images = images }, images[..1]);
        Assert.Equal((DeviceType.CPU, true, DeviceType.CPU), Assert.Single(seen));
    }

    [Fact]
    public void A_device_that_is_not_there_is_a_fault_at_the_reward() =>
        Assert.Equal("rewards[0]", Make("cuda:9", CPU, []).Match(static _ => throw new InvalidOperationException("it is made"), static fault => fault).Place?.Key);

    private static Result<RunReward> Make(string place, Device run, List<(DeviceType Context, bool OnHost, DeviceType Seen)> seen)
    {
        var definition = PartDefinition.TryOf<IDifferentiableReward, ExportSettings>("looks", HostJson.Export, (_, context) => new Looking(context, seen));
        var plan = new RewardPlan(new PartPlan(definition, new ExportSettings(), "looks", new SourcePlace("plugins.json", Key: "rewards[0]")), RewardRole.Train, 1) { Placement = place };
        return new RewardMaking([plan], null, part => new PartContext
        {
            Name = part.Name,
            BaseFolder = "",
            Device = run,
            DeviceOf = static name => name == "elsewhere" ? META : new Fault.Configuration(FaultCodes.DeviceNotAvailable, $"the device '{name}' is not there"),
            ComputeType = float32,
            Logger = NullLogger.Instance,
            Warn = static fault => Assert.Fail(fault.ToString()),
        }, []).All().Map(static made => made[0]);
    }

    private sealed class Looking(PartContext context, List<(DeviceType Context, bool OnHost, DeviceType Seen)> seen) : IDifferentiableReward
    {
        public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
        {
            seen.Add((context.Device.type, context.WeightsOnHost, images.device_type));
            return images.mean([1L, 2, 3]);
        }
    }
}
