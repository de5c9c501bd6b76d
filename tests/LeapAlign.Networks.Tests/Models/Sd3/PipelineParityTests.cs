using System.Text.Json;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Schedules;
using LeapAlign.Samplers.FlowEuler;
using LeapAlign.Pipelines;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Models.Sd3.Tests;

/// <summary>Captions to embeddings to latents to pictures on the embedded model, against the reference pipeline.</summary>
public sealed class PipelineParityTests : IDisposable
{
    // Ten and more network calls lie behind these numbers; see tests/fixtures/README.md.
    private const double Tolerance = 2e-4;

    private readonly JsonElement _options = JsonDocument.Parse(File.ReadAllBytes(Repository.Fixture("tiny", "tiny.json"))).RootElement;
    private readonly Recording _recorded = new("tiny", "tiny.safetensors");
    private readonly Sd3Model _model = TestModel.Open();
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    [Fact]
    public void Captions_are_embedded_as_the_pipeline_does()
    {
        using var conditioning = (BranchedConditioning)_model.Encode(new ConditioningRequest(Prompts, new Guidance(2), _model.NativeSize));
        Agreement.Values(conditioning.Captions.Context, _recorded["context"], "context", Tolerance);
        Agreement.Values(conditioning.Captions.Pooled, _recorded["pooled"], "pooled", Tolerance);
        Agreement.Values(conditioning.Negative!.Context, _recorded["negative_context"], "negative context", Tolerance);
        Agreement.Values(conditioning.Negative.Pooled, _recorded["negative_pooled"], "negative pooled", Tolerance);
        Assert.Equal(2, conditioning.EvaluationsPerVelocity);
        Assert.Equal(Prompts.Length, conditioning.BatchSize);
    }

    [Theory]
    [InlineData("plain", false)]
    [InlineData("guided", true)]
    public void Noise_becomes_the_pipelines_pictures(string name, bool guided)
    {
        using var gradients = no_grad();
        var guidance = guided ? new Guidance(_options.GetProperty("guidance").GetDouble()) : Guidance.None;
        using var conditioning = _model.Encode(new ConditioningRequest(Prompts, guidance, _model.NativeSize));
        var sampler = new FlowEulerSampler(new FlowEulerSettings { Schedule = ScheduleKind.Explicit });
        var schedule = sampler.CreateSchedule(_model.Scheduling, _options.GetProperty("steps").GetInt32());
        var latents = sampler.Roll(_recorded["noise"], new SamplingPath(schedule, (state, step) => _model.Velocity(state, [schedule.Sigma(step)], conditioning)));
        Agreement.Values(latents, _recorded[name + ".latents"], "latents", Tolerance);
        Agreement.Values(_model.Decode(_recorded[name + ".latents"]), _recorded[name + ".images"], "pictures", Tolerance);
    }

    [Fact]
    public void Encoding_pictures_undoes_decoding()
    {
        var latents = _recorded["plain.latents"];
        var images = _recorded["plain.images"];
        var encoded = _model.Encode(images);
        Assert.Equal(latents.shape, encoded.shape);
        Assert.False(encoded.requires_grad);
        // An autoencoder loses something, but far less than the pictures differ from their mean, in latents and in pixels.
        Assert.InRange(Error(encoded, latents) / Error(latents.mean([0], keepdim: true), latents), 0, 0.35);
        Assert.InRange(Error(_model.Decode(encoded), images) / Error(images.mean([0], keepdim: true), images), 0, 0.35);

        static double Error(Tensor actual, Tensor expected) => (actual - expected).detach().square().mean().sqrt().item<float>();
    }

    public void Dispose()
    {
        _scope.Dispose();
        _model.Dispose();
    }

    private string[] Prompts => [.. _options.GetProperty("prompts").EnumerateArray().Select(static prompt => prompt.GetString()!)];
}
