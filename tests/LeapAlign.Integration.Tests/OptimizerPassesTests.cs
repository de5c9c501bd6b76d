using LeapAlign.Algorithms.Direct;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Planning;
using LeapAlign.Objectives.Anchors;
using LeapAlign.Optimizers.AdamW;
using LeapAlign.Optimizers.Constrained;
using LeapAlign.Optimizers.Descent;
using LeapAlign.Optimizers.Gram;
using LeapAlign.Optimizers.Momentum;
using LeapAlign.Optimizers.Muon;
using LeapAlign.Pipeline;
using LeapAlign.Rewards.Clip;

namespace LeapAlign.Integration.Tests;

/// <summary>What a plan says of an optimizer's passes is what the ledger of a run has of them.</summary>
public sealed class OptimizerPassesTests
{
    private const string Calibrated = """{ "equal": ["judge"], "groups": ["transformer_blocks.0.*", "transformer_blocks.1.*"], "tolerance": 1e6, "pull": 1 }""";

    // The first update, and those after it.
    [Theory]
    [InlineData("adamw", "{}", 1, 1)]
    [InlineData("muon", """{ "rate": 1e-3 }""", 1, 1)]
    [InlineData("sven", "{}", 1, 1)]
    [InlineData("mfac", """{ "window": 2 }""", 1, 1)]
    [InlineData("diffgrad", "{}", 1, 1)]
    [InlineData("lanton", """{ "rate": 1e-3 }""", 1, 1)]
    [InlineData("lanton", """{ "rate": 1e-3, "noise": "second-draw" }""", 2, 2)]
    [InlineData("npg-igt", "{}", 1, 1)]
    [InlineData("harpg", """{ "gamma": 1e-4 }""", 1, 3)]
    [InlineData("gradient-sliding", "{}", 1, 1)]
    [InlineData("lv-hba", """{ "rate": 1e-4, "upper": ["judge"] }""", 4, 4)]
    [InlineData("dal", "{}", 2, 2)]
    [InlineData("sgd", """{ "rate": 1e-3 }""", 1, 1)]
    public void A_plan_has_as_many_passes_as_the_ledger(string id, string settings, double first, double later)
    {
        var (planned, measured) = Compared(id, settings, steps: 3);
        Assert.Equal(later, planned.Usual);
        Assert.Equal([first, later, later], measured.Select(static step => step.Passes));
        Assert.Equal((first, later), (planned.Fewest, planned.Most));
    }

    [Theory]
    [InlineData("""{ "radius": 1e-4 }""", 3)]
    [InlineData("""{ "radius": 1e-4, "curvature": "rows" }""", 3)]
    [InlineData("""{ "radius": 1e4, "tries": 1 }""", 2)]
    [InlineData("""{ "radius": 1e9, "tries": 3, "flat": 0 }""", 3)]
    public void A_radius_that_is_tried_is_a_pass(string settings, double usual)
    {
        var (planned, measured) = Compared("gns", settings, steps: 3);
        Assert.Equal(usual, planned.Usual);
        Assert.All(measured, step => Assert.Equal(1 + step.Of("gns_tries"), step.Passes));
        Assert.All(measured, step => Assert.InRange(step.Passes, planned.Fewest, planned.Most));
    }

    [Fact]
    public void A_calibration_counts_its_newton_steps()
    {
        // A tolerance that the beginning meets leaves the two places that are looked at anyway.
        var (planned, measured) = Compared("constrained-newton", Calibrated, steps: 1);
        Assert.Equal((0, planned.Fewest), (measured[0].Of("constrained-newton_newton_steps"), measured[0].Passes));
        // Two scales and one equality.
        (planned, measured) = Compared("constrained-newton", Calibrated.Replace("1e6", "1e-2", StringComparison.Ordinal), steps: 1);
        var newton = measured[0].Of("constrained-newton_newton_steps");
        Assert.True(newton > 0);
        Assert.Equal(measured[0].Of("constrained-newton_passes") + 1, measured[0].Passes);
        // Every Newton step has its second derivatives, and one try at least.
        Assert.True(measured[0].Passes >= 1 + (2 * (2 + (newton * 5))));
        Assert.Equal(1 + (2 * (2 + (7 * 5.0))), planned.Usual);
        Assert.InRange(measured[0].Passes, planned.Fewest, planned.Most);
    }

    [Fact]
    public void A_plan_counts_the_objectives_beside_the_algorithms()
    {
        RunPlan With(params ObjectivePlan[] objectives) => Plan("adamw", "{}") with { Objectives = objectives };
        ObjectivePlan Matching(string name, int timesteps) => new(InProcessRun.Part(new AnchorsPlugin(), new FlowMatchingSettings { Timesteps = timesteps }) with { Name = name }, 0.1);
        NetworkCost Beside(RunPlan plan)
        {
            using var parts = Testing.Recording.Require(RunParts.Create(plan, InProcessRun.Context));
            return new Planner(plan, parts).State().Beside;
        }
        Assert.Equal(new NetworkCost(0, 0, 0), Beside(With()));
        Assert.Equal(new NetworkCost(0, 5, 0), Beside(With(Matching("one", 2), Matching("two", 3))));
    }

    // Bytes for each trained number, of all weights of the model: those of optimizers that ask which tensors there are, too.
    [Theory]
    [InlineData("adamw", "{}", 8)]
    [InlineData("sven", "{}", 0)]
    [InlineData("mfac", """{ "window": 3 }""", 12)]
    [InlineData("lanton", """{ "rate": 1e-3, "groups": ["transformer_blocks.0.*"] }""", 8)]
    [InlineData("lv-hba", """{ "rate": 1e-4, "upper": ["judge"], "metric": "euclidean" }""", 4)]
    [InlineData("lv-hba", """{ "rate": 1e-4, "upper": ["judge"], "metric": "rms" }""", 20)]
    [InlineData("constrained-newton", Calibrated, 4)]
    public void A_plan_knows_what_an_optimizer_keeps(string id, string settings, double bytes)
    {
        var plan = Plan(id, settings);
        using var parts = Testing.Recording.Require(RunParts.Create(plan, InProcessRun.Context));
        Assert.Equal(bytes, new Planner(plan, parts).Number.Optimizer, 0.05 * bytes);
    }

    private static (StepPasses Planned, IReadOnlyList<Made> Steps) Compared(string id, string settings, int steps)
    {
        var once = Stepped(Plan("adamw", "{}"), 1)[0];
        var plan = Plan(id, settings);
        using var parts = Testing.Recording.Require(RunParts.Create(plan, InProcessRun.Context));
        var step = new Planner(plan, parts).State();
        return (step.Passes, [.. Stepped(plan, steps).Select(made => new Made(made.Evaluations / once.Evaluations, made))]);
    }

    private static List<StepReport> Stepped(RunPlan plan, int steps)
    {
        using var run = new SteppedRun(plan);
        return [.. Enumerable.Range(0, steps).Select(_ => run.Step())];
    }

    private static RunPlan Plan(string id, string settings)
    {
        var plan = InProcessRun.Plan(SteppedRun.Settings with { ClipNorm = null, Batch = 1, Accumulation = 1 }, samplingSteps: 2);
        IPlugin[] plugins = [new AdamWPlugin(), new MuonPlugin(), new GramPlugin(), new MomentumPlugin(), new ConstrainedPlugin(), new DescentPlugin()];
        var definition = plugins.SelectMany(static plugin => plugin.Parts).Single(part => part.Id == id);
        var judge = InProcessRun.Part(new ClipPlugin(), new ClipSettings { Model = "models/tiny-clip-judge" }) with { Name = "judge" };
        return plan with
        {
            // The gradient is the derivative of the loss, which a search along a line needs.
            Algorithm = InProcessRun.Part(new DirectPlugin(), new DraftSettings { GradientSteps = 2, Hinge = 5 }),
            Optimizer = new PartPlan(definition, definition.ReadSettings(settings), id, new SourcePlace("test")),
            Rewards = [.. plan.Rewards, new RewardPlan(judge, RewardRole.Train, 1)],
        };
    }

    private sealed record Made(double Passes, StepReport Step)
    {
        public double Of(string name) => Step.Measurements[name];
    }
}
