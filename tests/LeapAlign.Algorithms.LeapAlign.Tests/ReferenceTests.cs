using System.Text.Json;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Networks.Safetensors;
using LeapAlign.Networks.Sd3;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Samplers.FlowEuler;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.LeapAlign.Tests;

/// <summary>One update of the published trainer on a small SD3 transformer: value, weight, loss, gradients and network calls.</summary>
public sealed class ReferenceTests
{
    private const string Id = "leapalign";

    public static TheoryData<string> Cases()
    {
        using var index = Index();
        return [.. index.RootElement.EnumerateObject().Select(static entry => entry.Name).Where(static name => name == Id || name.StartsWith(Id + "-", StringComparison.Ordinal))];
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Agrees_with_the_published_trainer(string name)
    {
        using var scope = NewDisposeScope();
        using var index = Index();
        var expected = index.RootElement.GetProperty(name);
        var options = expected.GetProperty("options");
        var recorded = new Recording("algorithms", name + ".safetensors");
        var batch = new Recording("algorithms", "batch.safetensors");
        using var weights = Load(out var network);
        List<(double Timestep, bool Gradient, long Batch)> calls = [];
        var schedule = Sigmas.Explicit(options.GetProperty("rollout_steps").GetInt32(), options.GetProperty("shift").GetDouble());
        var guidance = new Guidance(options.GetProperty("cfg_guidance").GetDouble(), options.GetProperty("cfg_detach_neg").GetBoolean());
        Velocity Branch(Tensor context, Tensor pooled) => (latents, step) =>
        {
            var time = full([latents.shape[0]], 1000f * (float)schedule.Sigma(step), dtype: float32);
            calls.Add((time[0].item<float>(), is_grad_enabled(), latents.shape[0]));
            return network.Forward(latents, context, pooled, time);
        };
        var negative = guidance.IsActive ? Branch(batch["negative_context"], batch["negative_pooled"]) : static (_, _) => throw new InvalidOperationException("evaluated without guidance");
        Tensor? seen = null;
        var metrics = expected.GetProperty("metrics");
        var pair = new LeapPair((int)metrics.GetProperty("k_idx").GetDouble(), (int)metrics.GetProperty("j_idx").GetDouble());
        var settings = new LeapAlignSettings
        {
            Alpha = options.GetProperty("alpha").GetDouble(),
            Tau = options.GetProperty("tau").GetDouble(),
            Hinge = expected.GetProperty("hinge").GetDouble(),
        };
        var objective = new LeapAlignAlgorithm(settings, (_, _) => pair).Step(new AlignmentStep
        {
            Index = 0,
            Noise = recorded["noise"],
            Schedule = schedule,
            Sampler = new FlowEulerSampler(new FlowEulerSettings()),
            Velocity = guidance.Apply(Branch(batch["context"], batch["pooled"]), negative),
            Score = new Stage<Tensor, Tensor>("score", latents =>
            {
                seen = latents.detach();
                return (latents * batch["reward_weight"]).flatten(1).sum(1);
            }),
            Random = RandomKey.OfRun(0),
        }).Single();
        objective.Loss.backward();

        Agreement.Values(seen!, recorded["x0"], "x0");
        Agreement.Values(Measured(objective, "reward"), recorded["reward"], "reward");
        Agreement.Values(Measured(objective, "weight"), recorded["weight"], "weight");
        Agreement.Values(objective.Loss.detach().reshape(1), recorded["loss"], "loss");
        Agreement.Values(Measured(objective, "distance_j").mean(), tensor(metrics.GetProperty("dj").GetDouble()), "mean d_j");
        // The trainer logs d_0 after its connector in some versions; the recorded one is the distance of the raw prediction.
        Agreement.Values(Measured(objective, "distance_0").mean(), tensor(metrics.GetProperty("d0").GetDouble()), "mean d_0");
        CompareGradients(weights, recorded, expected.GetProperty("gradient_norm").GetDouble());
        Assert.Equal(
            expected.GetProperty("calls").EnumerateArray().Select(static call => (call.GetProperty("timestep").GetDouble(), call.GetProperty("grad").GetBoolean(), call.GetProperty("batch").GetInt64())),
            calls);
    }

    [Fact]
    public void There_are_recorded_cases() => Assert.NotEmpty(Cases());

    private static void CompareGradients(WeightSet weights, Recording recorded, double expectedNorm)
    {
        var gradients = weights.Parameters.ToDictionary(static weight => weight.Name, static weight => weight.Master.grad);
        var names = recorded.Under("grad.").ToList();
        Assert.NotEmpty(names);
        var largest = names.Max(name => recorded["grad." + name].norm().item<float>());
        foreach (var name in names) Agreement.Gradient(gradients[name], recorded["grad." + name], largest, name);
        var norm = Math.Sqrt(gradients.Values.Where(static gradient => gradient is not null).Sum(static gradient => Math.Pow(gradient!.to(float64).norm().item<double>(), 2)));
        Agreement.GradientNorm(norm, expectedNorm, largest, "all parameters");
    }

    private static WeightSet Load(out Sd3Transformer network)
    {
        var folder = Repository.Fixture("algorithms", "model");
        var weights = new WeightSet();
        network = new Sd3Transformer(Recording.Require(Sd3Config.Read(Path.Combine(folder, "config.json"))), weights.Root);
        Recording.Require(weights.Load(Recording.Require(SafetensorsFolder.Open(folder)), CPU, float32));
        weights.SetTrained(true);
        return weights;
    }

    private static Tensor Measured(Objective objective, string name) => objective.Measurements.Single(measured => measured.Name == name).Value.detach();

    private static JsonDocument Index() => JsonDocument.Parse(File.ReadAllBytes(Repository.Fixture("algorithms", "index.json")));
}
