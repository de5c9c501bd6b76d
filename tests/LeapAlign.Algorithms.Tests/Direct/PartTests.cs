using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Methods.Schedules;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Direct.Tests;

/// <summary>What the plugin says about its parts, against what they do.</summary>
public sealed class PartTests
{
    private const int Steps = 25;

    [Fact]
    public void Stated_costs_are_the_evaluations_of_a_step_in_the_mean_over_the_draws()
    {
        using var scope = NewDisposeScope();
        var refl = new ReflSettings();
        Assert.Equal(Measured([.. Enumerable.Range(1, 11).Select(static reverse => Given.Refl(Steps - reverse))]), Cost("refl", refl));
        Assert.Equal(new NetworkCost(19, 1, 1), Cost("refl", refl));

        Assert.Equal(Measured(Given.Draft(1)), Cost("draft", new DraftSettings()));
        Assert.Equal(Measured(Given.Draft(4)), Cost("draft", new DraftSettings { GradientSteps = 4 }));
        Assert.Equal(Measured(Given.Draft(4, checkpoint: true)), Cost("draft", new DraftSettings { GradientSteps = 4, Checkpoint = true }));
        Assert.Equal(Measured(Given.Draft(1, reNoised: 2)), Cost("draft", new DraftSettings { ReNoised = 2 }));
        Assert.Equal(Measured(Given.Full()), Cost("full", new FullSettings()));

        Assert.Equal(
            Measured([.. Enumerable.Range(1, 10).Select(static reverse => Given.Drtune(Steps - reverse, 0, 4, 8))]), Cost("drtune", new DrtuneSettings()));
        Assert.Equal(Measured(Given.Drtune(Steps - 1, 0, 8, 16)), Cost("drtune", new DrtuneSettings { EarlyStopRatio = 0 }));
        Assert.Equal(Measured(Given.Drtune(Steps - 1, [.. Enumerable.Range(0, Steps)])), Cost("drtune", new DrtuneSettings { EarlyStopRatio = 0, TrainedSteps = 99 }));
    }

    [Fact]
    public void Every_part_asks_for_a_differentiable_reward_and_one_that_decorates_the_velocity_for_a_path_of_it() =>
        Assert.All(new DirectPlugin().Parts, static part => Assert.Equal(
            part.Id == "drtune" ? [Capabilities.DifferentiableReward, Capabilities.VelocityPath] : [Capabilities.DifferentiableReward], part.Requires(part.ReadSettings("{}"))));

    [Theory]
    [InlineData("""{ "gradientSteps": 11 }""", "gradientSteps is 11")]
    [InlineData("""{ "gradientSteps": 2, "reNoised": 1 }""", "needs gradientSteps 1")]
    [InlineData("""{ "reNoised": 2, "checkpoint": true }""", "checkpoint is true")]
    public void Settings_that_do_not_fit_are_refused_before_the_run(string settings, string reason)
    {
        var fault = Created("draft", settings).Check(new RunShape(Schedule(10), 4)).Match(static _ => (Fault?)null, static fault => fault);
        Assert.Equal(FaultCodes.SettingsDoNotFit, fault!.Code);
        Assert.Contains(reason, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("refl", """{ "lastSteps": 40 }""")]
    [InlineData("draft", """{ "gradientSteps": 10, "checkpoint": true }""")]
    [InlineData("draft", """{ "reNoised": 2 }""")]
    [InlineData("full", "{}")]
    [InlineData("drtune", """{ "trainedSteps": 40, "earlyStopSteps": 40 }""")]
    public void Settings_that_fit_run(string id, string settings)
    {
        using var scope = NewDisposeScope();
        var algorithm = Created(id, settings);
        Assert.True(algorithm.Check(new RunShape(Schedule(10), 4)).IsOk);
        Assert.Contains(new CurvedNetwork { Schedule = Schedule(10) }.Descend(algorithm), static entry => entry != 0);
    }

    private static Schedule Schedule(int steps) => Sigmas.Explicit(steps, 2);

    private static PartDefinition Part(string id) => new DirectPlugin().Parts.Single(part => part.Id == id);

    private static NetworkCost? Cost(string id, object settings) => Part(id).Cost(settings, Steps);

    private static IAlgorithm Created(string id, string settings) =>
        (IAlgorithm)Part(id).Create(Part(id).ReadSettings(settings), null!).Match(static part => part, static fault => throw new FaultException(fault));

    private static NetworkCost Measured(params IAlgorithm[] algorithms)
    {
        var networks = algorithms.Select(static algorithm =>
        {
            var network = new CurvedNetwork { Schedule = Schedule(Steps) };
            network.Descend(algorithm);
            return network;
        }).ToList();
        return new NetworkCost(
            networks.Average(static network => network.Calls.Count(static call => !call.Gradient)),
            networks.Average(static network => network.Calls.Count(static call => call.Gradient)),
            networks.Average(static network => network.Rewards.Count / (double)CurvedNetwork.Noise(0).shape[0]));
    }
}
