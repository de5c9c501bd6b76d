using System.Text.Json;
using LeapAlign.Algorithms.LeapAlign;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Methods.Leaps;
using LeapAlign.Methods.Schedules;
using LeapAlign.Models.Sd3;
using LeapAlign.Optimizers.AdamW;
using LeapAlign.Pipeline;
using LeapAlign.Rewards.Clip;
using LeapAlign.Samplers.FlowEuler;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests;

/// <summary>One LeapAlign step on the embedded models, from noise to the changed weights, against the recorded one.</summary>
public sealed class TinyStepTests
{
    // Ten and more network calls, a decoder and a reward lie behind these numbers; see tests/fixtures/README.md.
    private const double ValueTolerance = 2e-4;
    private const double GradientTolerance = 1e-3;

    [Fact]
    public void Agrees_with_the_recorded_step()
    {
        using var scope = NewDisposeScope();
        var options = JsonDocument.Parse(File.ReadAllBytes(Repository.Fixture("tiny", "tiny.json"))).RootElement;
        var recorded = new Recording("tiny", "tiny.safetensors");
        using var model = Recording.Require(Sd3Model.Load(new Sd3Settings { Folder = "models/tiny-sd3" }, InProcessRun.Context("sd3")));
        using var reward = Recording.Require(ClipReward.Load(new ClipSettings { Model = "models/tiny-clip-reward" }, InProcessRun.Context("reward")));
        Prompt[] prompts = [.. options.GetProperty("prompts").EnumerateArray().Select(static (text, id) => new Prompt(id, text.GetString()!))];
        using var conditioning = model.Encode(new ConditioningRequest([.. prompts.Select(static prompt => prompt.Text)], Guidance.None, model.NativeSize));
        var sampler = new FlowEulerSampler(new FlowEulerSettings { Schedule = ScheduleKind.Explicit });
        var schedule = sampler.CreateSchedule(model.Scheduling, options.GetProperty("steps").GetInt32());
        var settings = new LeapAlignSettings
        {
            Alpha = options.GetProperty("alpha").GetDouble(),
            Tau = options.GetProperty("tau").GetDouble(),
            Hinge = options.GetProperty("hinge").GetDouble(),
        };
        var pair = new LeapPair(options.GetProperty("k").GetInt32(), options.GetProperty("j").GetInt32());
        Tensor? seen = null;
        var services = new ScriptedStep((latents, sigmas) => model.Velocity(latents, sigmas, conditioning), latents => Scores.Of(reward.Score(model.Decode(seen = latents), prompts)));
        var objective = new LeapAlignAlgorithm(settings, (_, _) => pair).Step(new AlignmentStep(services)
        {
            Index = 0,
            Random = RandomKey.OfRun(0),
            Batches = [new MicroBatch(services)
            {
                Prompts = prompts,
                Noise = recorded["noise"],
                Schedule = schedule,
                Sampler = sampler,
                Samples = [.. Enumerable.Range(0, prompts.Length)],
                Random = RandomKey.OfRun(0),
                StepKey = RandomKey.OfRun(0),
            }],
        }).Single();
        objective.Loss.backward();

        Agreement.Values(seen!.detach(), recorded["step.x0"], "x0", ValueTolerance);
        Agreement.Values(objective.Loss.detach().reshape(1), recorded["step.loss"], "loss", ValueTolerance);
        foreach (var (name, measured) in new[] { ("reward", "reward"), ("weight", "weight"), ("d_j", "distance_j"), ("d_0", "distance_0") })
            Agreement.Values(objective.Measurements.Single(found => found.Name == measured).Value, recorded["step." + name], name, ValueTolerance);
        var norm = model.Parameters.GradientNorm();
        model.Parameters.ClipGradients(norm, options.GetProperty("adamw").GetProperty("clip").GetDouble());
        Agreement.GradientNorm(norm.item<float>(), recorded["step.gradient_norm"].item<float>(), 0, "all parameters", GradientTolerance);
        CompareGradients(model, recorded);
        CompareUpdate(model, recorded, options.GetProperty("adamw"));
    }

    /// <summary>The recorded gradients are those that the optimizer saw: clipped. The recorded norm is the one before.</summary>
    private static void CompareGradients(Sd3Model model, Recording recorded)
    {
        var gradients = model.Parameters.ToDictionary(static parameter => parameter.Name, static parameter => parameter.Value.grad);
        foreach (var name in recorded.Under("step.grad."))
            Agreement.Gradient(gradients[name], recorded["step.grad." + name], largestNorm: 0, name, GradientTolerance);
    }

    private static void CompareUpdate(Sd3Model model, Recording recorded, JsonElement adamw)
    {
        const string name = "proj_out.weight";
        var parameter = model.Parameters.Single(static parameter => parameter.Name == name).Value;
        var betas = adamw.GetProperty("betas");
        var settings = new AdamWSettings
        {
            Rate = adamw.GetProperty("lr").GetDouble(),
            Beta1 = betas[0].GetDouble(),
            Beta2 = betas[1].GetDouble(),
            Epsilon = adamw.GetProperty("eps").GetDouble(),
            WeightDecay = adamw.GetProperty("weight_decay").GetDouble(),
        };
        var before = parameter.detach().clone();
        var gradient = recorded["step.grad." + name].abs();
        using var optimization = new AdamWOptimizer(settings).Begin(model.Parameters);
        optimization.Update(new UpdateContext(0));
        // Adam's first step is a sign: where the gradient is rounding noise, so is the change.
        var clear = gradient > (gradient.max() * 1e-3f);
        var change = parameter.detach() - before;
        Assert.True(clear.any().item<bool>());
        Agreement.Values(change * clear / settings.Rate, recorded[$"step.{name}.change"] * clear / settings.Rate, "change in units of the rate", 2e-2);
    }
}
