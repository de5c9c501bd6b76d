using LeapAlign.Algorithms.Grpo.Settings;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Groups;
using LeapAlign.Methods.Schedules;
using LeapAlign.Pipeline;
using LeapAlign.Samplers.FlowEuler;
using LeapAlign.Samplers.FlowSde;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Grpo.Tests;

/// <summary>What the parts require, their published settings, and what they refuse before a run.</summary>
public sealed class CompositionTests
{
    private static readonly RunShape Shape = new(Sigmas.Explicit(10, 3), 4, 4, 8) { Sampler = new FlowSdeSampler(new FlowSdeSettings()) };

    [Theory]
    [InlineData("flow-grpo", "{}", true, false)]
    [InlineData("flow-grpo", "{\"klWeight\":0}", false, false)]
    [InlineData("flow-grpo-fast", "{}", false, false)]
    [InlineData("mix-grpo", "{}", false, false)]
    [InlineData("mix-grpo", "{\"klWeight\":0.01}", true, false)]
    [InlineData("dance-grpo", "{}", false, false)]
    [InlineData("grpo-guard", "{}", false, true)]
    public void A_part_requires_what_its_settings_need(string id, string json, bool reference, bool gaussian)
    {
        var part = Part(id);
        var requires = part.Requires(part.ReadSettings(json));
        Assert.Contains(Capabilities.LogProbability, requires);
        Assert.Contains(Capabilities.GroupedPrompts, requires);
        Assert.Equal(reference, requires.Contains(Capabilities.ReferencePolicy));
        Assert.Equal(gaussian, requires.Contains(Capabilities.GaussianLogProbability));
    }

    [Fact]
    public void Diffusions_have_the_density_that_guard_needs_and_cps_has_another()
    {
        foreach (var part in new FlowSdePlugin().Parts)
        {
            var provides = part.Provides(part.ReadSettings("{}"));
            Assert.Contains(Capabilities.LogProbability, provides);
            Assert.Equal(part.Id != "cps", provides.Contains(Capabilities.GaussianLogProbability));
        }
    }

    [Theory]
    [InlineData("flow-grpo", 10, "19 F + 9 G + 0 V")]
    [InlineData("flow-grpo-fast", 10, "10 F + 3 G + 0 V")]
    [InlineData("mix-grpo", 25, "25 F + 4 G + 0 V")]
    [InlineData("dance-grpo", 16, "16 F + 9 G + 0 V")]
    [InlineData("grpo-guard", 10, "10 F + 9 G + 0 V")]
    public void Costs_at_the_published_settings(string id, int steps, string cost)
    {
        var part = Part(id);
        Assert.Equal(cost, part.Cost(part.ReadSettings("{}"), steps)!.ToString());
    }

    [Fact]
    public void Settings_begin_at_the_published_values()
    {
        Assert.Equal((1e-4, 1e-4, 0.04, 2, 5), Of((GrpoSettings)Part("flow-grpo").ReadSettings("{}")));
        Assert.Equal((1e-5, 1e-5, 0, 2, 5), Of((GrpoSettings)Part("flow-grpo-fast").ReadSettings("{}")));
        Assert.Equal((1e-4, 1e-4, 0, 1, 5), Of((GrpoSettings)Part("mix-grpo").ReadSettings("{}")));
        Assert.Equal((1e-4, 1e-4, 0, 1, 5), Of((GrpoSettings)Part("dance-grpo").ReadSettings("{}")));
        Assert.Equal((2e-6, 2e-6, 0, 2, 5), Of((GrpoSettings)Part("grpo-guard").ReadSettings("{}")));
        var dance = (DanceGrpoSettings)Part("dance-grpo").ReadSettings("{\"updates\":3}");
        Assert.Equal((3, true, true, DeviationScope.Group, 1e-8, 0.6), (dance.Updates, dance.SharedNoise, dance.UnbiasedDeviation, dance.AdvantageDeviation, dance.DeviationFloor, dance.TrainedFraction));
        Assert.Equal(KlForm.V, ((GrpoSettings)Part("flow-grpo").ReadSettings("{\"kl\":\"v\"}")).Kl);

        static (double, double, double, int, double) Of(GrpoSettings settings) =>
            (settings.ClipLow, settings.ClipHigh, settings.KlWeight, settings.Updates, settings.AdvantageLimit);
    }

    [Theory]
    [InlineData("flow-grpo")]
    [InlineData("flow-grpo-fast")]
    [InlineData("mix-grpo")]
    [InlineData("dance-grpo")]
    [InlineData("grpo-guard")]
    public void Published_settings_fit_a_run_with_groups(string id) => Assert.True(Check(Published(id), Shape).IsOk);

    [Fact]
    public void A_run_that_cannot_work_is_refused_in_one_sentence()
    {
        Refused("flow-grpo", Shape with { Group = 5 }, "16 samples", "groups of 5");
        Refused("flow-grpo", Shape with { Batch = 16, Accumulation = 1 }, "2 updates", "accumulation");
        Refused("flow-grpo", Shape with { Schedule = Sigmas.Explicit(1, 3) }, "every step but the last");
        Refused("mix-grpo", Shape with { Schedule = Sigmas.Explicit(4, 3) }, "window of 4 steps", "4 steps");
        Refused("flow-grpo-fast", Shape with { Schedule = Sigmas.Explicit(5, 3) }, "window of 3 steps");
        Refused(GrpoMethod.FlowGrpoFast(new FlowGrpoFastSettings { RangeStart = 5, RangeEnd = 10 }), Shape, "to 10", "never trained");
        Refused(GrpoMethod.FlowGrpoFast(new FlowGrpoFastSettings { RangeStart = 4, RangeEnd = 3 }), Shape, "from step 4 to 3");
        Refused("flow-grpo", Shape with { Sampler = new FlowSdeSampler(new FlowSdeSettings { NoiseLevel = 0 }) }, "step 0", "noise level above 0");
        Refused("dance-grpo", Shape with { Sampler = new DanceSdeSampler(new DanceSdeSettings { Eta = 0 }) }, "step 0");
        Refused("grpo-guard", Shape with { Sampler = new CpsSampler(new CpsSettings()) }, "normal distribution");
        Refused("flow-grpo", Shape with { Sampler = new QuietAt(3) }, "step 3");
    }

    [Fact]
    public void Without_a_word_about_the_sampler_a_step_without_noise_is_refused_when_it_is_met()
    {
        using var scope = NewDisposeScope();
        var run = new SmallRun { Sampler = new QuietAt(2) };
        Assert.Equal(FaultCodes.SettingsDoNotFit, Assert.Throws<FaultException>(() => run.Descend(Methods.Of("flow-grpo", run.Schedule.Steps))).Fault.Code);
    }

    [Fact]
    public void A_sampler_without_densities_is_refused() =>
        Assert.Equal(FaultCodes.RequirementNotMet, Assert.Throws<FaultException>(static () => StochasticSamplers.Of("flow-grpo", new FlowEulerSampler(new FlowEulerSettings()))).Fault.Code);

    private static void Refused(string id, RunShape shape, params string[] words) => Refused(Published(id), shape, words);

    private static void Refused(GrpoMethod method, RunShape shape, params string[] words)
    {
        Assert.False(Check(method, shape).TryGet(out _, out var fault));
        Assert.Equal(FaultCodes.SettingsDoNotFit, fault.Code);
        Assert.All(words.Append($"'{method.Id}'"), word => Assert.Contains(word, fault.Message, StringComparison.Ordinal));
    }

    private static Result<Unit> Check(GrpoMethod method, RunShape shape) => new GrpoAlgorithm(method).Check(shape);

    private static GrpoMethod Published(string id) => id switch
    {
        "flow-grpo" => GrpoMethod.FlowGrpo(new FlowGrpoSettings()),
        "flow-grpo-fast" => GrpoMethod.FlowGrpoFast(new FlowGrpoFastSettings()),
        "mix-grpo" => GrpoMethod.MixGrpo(new MixGrpoSettings()),
        "dance-grpo" => GrpoMethod.DanceGrpo(new DanceGrpoSettings()),
        _ => GrpoMethod.GrpoGuard(new GrpoGuardSettings()),
    };

    private static PartDefinition Part(string id) => new GrpoPlugin().Parts.Single(part => part.Id == id);

    /// <summary>A sampler of somebody else's, without noise at one step.</summary>
    private sealed class QuietAt(int quiet) : IStochasticSampler
    {
        private readonly FlowSdeSampler _sampler = new(new FlowSdeSettings());

        public Schedule CreateSchedule(Contracts.Models.FlowScheduling scheduling, int? steps = null) => _sampler.CreateSchedule(scheduling, steps);

        public Tensor Roll(Tensor latents, SamplingPath path) => _sampler.Roll(latents, path with { Noise = step => step == quiet ? null : path.Noise(step) });

        public Transition Transition(Tensor latents, Tensor velocity, Schedule schedule, int step) => step == quiet
            ? new Transition(RectifiedFlow.Leap(latents, velocity, schedule.Delta(step, step + 1)), 0, 0)
            : _sampler.Transition(latents, velocity, schedule, step);
    }
}
