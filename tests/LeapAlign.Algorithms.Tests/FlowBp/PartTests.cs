using LeapAlign.Algorithms.FlowBp.Bridge;
using LeapAlign.Algorithms.FlowBp.Lagrange;
using LeapAlign.Algorithms.FlowBp.Sparse;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Methods.Schedules;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FlowBp.Tests;

/// <summary>What plugins.json sees: ids, defaults, and what a run costs, measured with the draws that training uses.</summary>
public sealed class PartTests
{
    private const int Steps = 11;

    private static readonly IReadOnlyList<PartDefinition> s_parts = new FlowBpPlugin().Parts;

    public static TheoryData<string, string> Settings() => new()
    {
        { "flowbp-sparse", "{}" },
        { "flowbp-sparse", """{ "activeSteps": 6, "tailRatio": 0.3 }""" },
        { "flowbp-sparse", """{ "reforward": true }""" },
        { "flowbp-bridge", "{}" },
        { "flowbp-bridge", """{ "activeSteps": 9, "tailRatio": 0.5, "anchors": "midpoint" }""" },
        { "flowbp-bridge", """{ "reforward": true }""" },
        { "flowbp-lagrange", "{}" },
        { "flowbp-lagrange", """{ "order": 4, "supportMode": "all", "maxActiveSupports": null, "anchors": "uniform" }""" },
        { "flowbp-lagrange", """{ "supportMode": "none", "anchorLambda": 0.5 }""" },
        { "flowbp-lagrange", """{ "reforward": true, "maxActiveSupports": 1, "supportMode": "all" }""" },
    };

    [Theory]
    [MemberData(nameof(Settings))]
    public void The_cost_is_what_a_run_evaluates(string id, string json)
    {
        using var scope = NewDisposeScope();
        const int runs = 150;
        var part = Part(id);
        var settings = part.ReadSettings(json);
        var cost = part.Cost(settings, Steps)!;
        var algorithm = Created(part, settings);
        double plain = 0, gradient = 0;
        for (var seed = 0; seed < runs; seed++)
        {
            using var inner = NewDisposeScope();
            var network = new ScalarNetwork { Schedule = Sigmas.Explicit(Steps, 3), Seed = seed };
            network.Descend(algorithm, Scalar.Sampler);
            gradient += network.Calls.Count(static call => call.Gradient) / (double)runs;
            plain += network.Calls.Count(static call => !call.Gradient) / (double)runs;
        }
        // The mean over different draws: five standard deviations of a count that varies by two.
        var tolerance = id == "flowbp-lagrange" ? 0.5 : 1e-9;
        Assert.Equal(cost.Gradient, gradient, tolerance);
        Assert.Equal(cost.Plain, plain, tolerance);
        Assert.Equal(1, cost.Decoded);
        Assert.Equal(json.Contains("reforward", StringComparison.Ordinal) ? Steps + gradient : Steps, plain + gradient, 1e-9);
    }

    [Fact]
    public void Absent_settings_are_the_published_ones_of_sd35()
    {
        Assert.Equal(new SparseSettings(), Part("flowbp-sparse").ReadSettings("{}"));
        Assert.Equal(new BridgeSettings(), Part("flowbp-bridge").ReadSettings("{}"));
        var lagrange = Part("flowbp-lagrange");
        Assert.Equal(new LagrangeSettings(), lagrange.ReadSettings("{}"));
        // An explicit null is not an absent key.
        Assert.Equal(new LagrangeSettings { MaxReverseJ = null, MaxActiveSupports = null }, lagrange.ReadSettings("""{ "maxReverseJ": null, "maxActiveSupports": null }"""));
    }

    [Theory]
    [MemberData(nameof(Settings))]
    public void A_step_needs_no_values(string id, string json)
    {
        // Shapes of full-size models are checked on this device, whose tensors hold none.
        using var scope = NewDisposeScope();
        var part = Part(id);
        var scale = ones(1, device: META).requires_grad_();
        var services = new ScriptedStep((latents, _) => latents * scale, static latents => Scores.Of(latents.flatten(1).sum(1)));
        var batch = new MicroBatch(services)
        {
            Prompts = [new Prompt(0, "a"), new Prompt(1, "b")],
            Noise = zeros(2, 3, 4, 4, device: META),
            Schedule = Sigmas.Explicit(Steps, 3),
            Sampler = Scalar.Sampler,
            Samples = [0, 1],
            Random = RandomKey.OfRun(0),
            StepKey = RandomKey.OfRun(0),
        };
        var step = new AlignmentStep(services) { Index = 0, Batches = [batch, batch], Random = RandomKey.OfRun(0) };
        var objectives = Created(part, part.ReadSettings(json)).Step(step).ToList();
        Assert.Equal([0.5, 0.5], objectives.Select(static objective => objective.Share));
        objectives[0].Loss.backward();
        Assert.NotNull(scale.grad);
        Assert.All(objectives[0].Measurements.Where(static measured => measured.Name is "reward" or "weight" or "distance_0"), static measured => Assert.Equal([2], measured.Value.shape));
    }

    [Fact]
    public void Each_part_needs_a_differentiable_reward_and_a_path_of_the_velocity() =>
        Assert.All(s_parts, static part => Assert.Equal([Capabilities.DifferentiableReward, Capabilities.VelocityPath], part.Requires(part.ReadSettings("{}"))));

    private static PartDefinition Part(string id) => s_parts.Single(part => part.Id == id && part.Kind == PartKinds.Algorithm);

    private static IAlgorithm Created(PartDefinition part, object settings) => (IAlgorithm)Recording.Require(part.Create(settings, new PartContext
    {
        Name = part.Id,
        BaseFolder = Path.GetTempPath(),
        Device = CPU,
        ComputeType = float32,
        Logger = NullLogger.Instance,
        Warn = static fault => throw new InvalidOperationException(fault.Message),
    }));
}
