using System.Text.Json;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Pipelines;
using LeapAlign.Samplers.FlowEuler;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Models.ZImage.Tests;

/// <summary>Captions to embeddings to latents to pictures, and the gradient of a reward through all steps, against the reference pipeline.</summary>
public sealed class ZImageParityTests : IDisposable
{
    // Several network calls and a decoder lie behind these numbers; see tests/fixtures/README.md.
    private const double Tolerance = 2e-4;
    private readonly Recording _recorded = new("pipeline-z-image", "z-image.safetensors");
    private readonly ZImageFolder _folder = new();
    private readonly ZImageModel _model;
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    public ZImageParityTests() => _model = _folder.Open(settings: new ZImageSettings { Folder = _folder.Source, TextLength = ZImageFolder.TextTokens, TextDtype = "float32" });

    [Fact]
    public void Captions_are_embedded_as_the_pipeline_does()
    {
        var negatives = ZImageFolder.Cases.Select(static name => Negatives(Case(name))).First(static asked => asked is not null);
        using var conditioning = (BranchedConditioning)_model.Encode(new ConditioningRequest(ZImageFolder.Prompts, new Guidance(2), ZImageFolder.Size) { Negatives = negatives });
        foreach (var (embedding, key) in ((TextEmbedding, string)[])[(conditioning.Captions, "context"), (conditioning.Negative!, "negative_context")])
        {
            for (var sample = 0; sample < ZImageFolder.Prompts.Length; sample++)
            {
                var own = embedding.Context[sample].narrow(0, 0, embedding.Lengths![sample]);
                Agreement.Values(own, _recorded[$"{key}.{sample}"], $"{key} {sample}");
                Agreement.Values(embedding.Pooled[sample], own.mean([0]), "pooled");
            }
        }
        Assert.Equal(2, conditioning.EvaluationsPerVelocity);
        Assert.Equal(GuidanceForm.Branches, _model.GuidanceForm);
    }

    [Fact]
    public void Noise_becomes_the_pipelines_pictures()
    {
        using var gradients = no_grad();
        Assert.NotEmpty(ZImageFolder.Cases);
        Assert.Equal(_recorded["noise"].shape, Recording.Require(_model.Latents(ZImageFolder.Size)).Batch(ZImageFolder.Prompts.Length));
        foreach (var name in ZImageFolder.Cases)
        {
            var states = Roll(name);
            for (var step = 1; step < states.Count; step++) Agreement.Values(states[step], _recorded[$"{name}.state.{step}"], $"{name}, step {step}", Tolerance);
            Agreement.Values(states[^1], _recorded[$"{name}.latents"], $"{name}, latents", Tolerance);
            Agreement.Values(_model.Decode(_recorded[$"{name}.latents"]), _recorded[$"{name}.images"], $"{name}, pictures", Tolerance);
            Agreement.Values(_model.Decode(states[^1]), _recorded[$"{name}.images"], $"{name}, pictures from noise", 2 * Tolerance);
        }
    }

    [Fact]
    public void A_rewards_gradient_goes_through_all_steps_and_the_decoder()
    {
        var train = ZImageFolder.Options.GetProperty("train");
        var last = Roll(train.GetProperty("case").GetString()!)[^1];
        Agreement.Values(last, _recorded["train.x0"], "x0", Tolerance);
        var pictures = _model.Decode(last);
        Agreement.Values(pictures, _recorded["train.image"], "pictures", Tolerance);
        var rewards = (pictures * _recorded["train.reward_weight"]).sum([1, 2, 3]);
        Agreement.Values(rewards, _recorded["train.reward"], "rewards", Tolerance);
        var loss = (train.GetProperty("hinge").GetDouble() - rewards).clamp(min: 0).mean();
        Agreement.Values(loss, _recorded["train.loss"].squeeze(), "loss", Tolerance);
        loss.backward();
        var parameters = _model.Parameters.ToDictionary(static parameter => parameter.Name, static parameter => parameter.Value.grad);
        var norm = Math.Sqrt(parameters.Values.Sum(static gradient => gradient is null ? 0 : gradient.to(float64).square().sum().item<double>()));
        Agreement.GradientNorm(norm, _recorded["train.gradient_norm"].item<float>(), norm, "all", relative: 1e-3);
        var keys = _recorded.Under("train.grad.").ToArray();
        Assert.NotEmpty(keys);
        foreach (var key in keys) Agreement.Gradient(parameters[key], _recorded[$"train.grad.{key}"], norm, key, relative: 1e-3);
    }

    [Fact]
    public void Encoded_pictures_are_shifted_and_scaled_as_the_folder_says()
    {
        const double further = 0.25;
        var config = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(Path.Combine(_folder.Source, "vae", "config.json")))!;
        var (scale, shift) = ((double)config["scaling_factor"]!, (double)config["shift_factor"]!);
        var pictures = _recorded["train.image"];
        var encoded = _model.Encode(pictures);
        Assert.Equal(_recorded["noise"].shape, encoded.shape);
        Assert.False(encoded.requires_grad);
        _folder.Set("vae/config.json", "scaling_factor", 2 * scale);
        _folder.Set("vae/config.json", "shift_factor", shift + further);
        using var other = _folder.Open();
        Agreement.Values(other.Encode(pictures), 2 * (encoded - (further * scale)), "latents");
    }

    public void Dispose()
    {
        _scope.Dispose();
        _model.Dispose();
        _folder.Dispose();
    }

    private static JsonElement Case(string name) => ZImageFolder.Options.GetProperty("cases").GetProperty(name);

    private static string[]? Negatives(JsonElement run) => run.TryGetProperty("negative_prompts", out var prompts) ? [.. prompts.EnumerateArray().Select(static prompt => prompt.GetString()!)] : null;

    private List<Tensor> Roll(string name)
    {
        var run = Case(name);
        var scale = 1 + run.GetProperty("guidance").GetDouble();
        using var conditioning = _model.Encode(new ConditioningRequest(ZImageFolder.Prompts, new Guidance(scale), ZImageFolder.Size) { Negatives = scale > 1 ? Negatives(run) : null });
        var sampler = new FlowEulerSampler(new FlowEulerSettings());
        var schedule = sampler.CreateSchedule(_model.Scheduling.For(Recording.Require(_model.Latents(ZImageFolder.Size))), run.GetProperty("steps").GetInt32());
        var sigmas = run.GetProperty("sigmas").EnumerateArray().Select(static sigma => sigma.GetDouble()).ToArray();
        Assert.Equal(sigmas.Length, schedule.Steps + 1);
        for (var step = 0; step < sigmas.Length; step++) Assert.Equal(sigmas[step], schedule.Sigma(step), 1e-6);
        List<Tensor> states = [_recorded["noise"]];
        for (var step = 0; step < schedule.Steps; step++)
            states.Add(states[^1] + ((schedule.Sigma(step + 1) - schedule.Sigma(step)) * _model.Velocity(states[^1], [schedule.Sigma(step)], conditioning)));
        return states;
    }
}
