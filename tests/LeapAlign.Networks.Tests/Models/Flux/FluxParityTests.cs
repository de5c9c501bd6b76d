using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Networks.Flux;
using LeapAlign.Samplers.FlowEuler;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Models.Flux.Tests;

/// <summary>Captions to embeddings to latents to pictures, against the reference pipeline.</summary>
public sealed class FluxParityTests : IDisposable
{
    // Several network calls and a decoder lie behind these numbers; see tests/fixtures/README.md.
    private const double Tolerance = 2e-4;
    private readonly Recording _recorded = new("pipeline-flux", "flux.safetensors");
    private readonly FluxFolder _folder = new();
    private readonly FluxModel _model;
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    public FluxParityTests() => _model = _folder.Open(settings: new FluxSettings { Folder = _folder.Source, TextLength = FluxFolder.Options.GetProperty("t5_tokens").GetInt32() });

    [Fact]
    public void Captions_are_embedded_as_the_pipeline_does()
    {
        using var conditioning = (FluxConditioning)_model.Encode(Request(FluxFolder.Guidance));
        Agreement.Values(conditioning.Captions.Context, _recorded["context"], "context");
        Agreement.Values(conditioning.Captions.Pooled, _recorded["pooled"], "pooled");
        Assert.Equal(FluxFolder.Prompts.Length, conditioning.BatchSize);
        Assert.Equal(1, conditioning.EvaluationsPerVelocity);
        Assert.Equal(_recorded["context"].shape[0] * _recorded["context"].shape[1], conditioning.Tokens);
        Assert.Equal(GuidanceForm.Embedded, _model.GuidanceForm);
    }

    [Fact]
    public void The_states_outside_are_the_pipelines_unpacked()
    {
        var latents = Recording.Require(_model.Latents(FluxFolder.Size));
        Assert.Equal(_recorded["noise"].shape, latents.Batch(FluxFolder.Prompts.Length));
        Assert.Equal(_recorded["packed"].shape[1], latents.ImageTokens);
        Assert.True(FluxTokens.Pack(_recorded["noise"]).equal(_recorded["packed"]).all().item<bool>());
    }

    [Fact]
    public void Noise_becomes_the_pipelines_pictures()
    {
        using var gradients = no_grad();
        using var conditioning = _model.Encode(Request(FluxFolder.Guidance));
        var sampler = new FlowEulerSampler(new FlowEulerSettings());
        var space = Recording.Require(_model.Latents(FluxFolder.Size));
        var schedule = sampler.CreateSchedule(_model.Scheduling.For(space), FluxFolder.Options.GetProperty("steps").GetInt32());
        var latents = sampler.Roll(_recorded["noise"], new SamplingPath(schedule, (state, step) => _model.Velocity(state, [schedule.Sigma(step)], conditioning)));
        Assert.Equal(_recorded["noise"].shape, latents.shape);
        Agreement.Values(FluxTokens.Pack(latents), _recorded["latents"], "latents", Tolerance);
        var (height, width) = (latents.shape[2], latents.shape[3]);
        Agreement.Values(_model.Decode(FluxTokens.Unpack(_recorded["latents"], height, width)), _recorded["images"], "pictures", Tolerance);
        Agreement.Values(_model.Decode(latents), _recorded["images"], "pictures from noise", 2 * Tolerance);
    }

    [Fact]
    public void The_guidance_scale_is_an_input_at_every_value()
    {
        using var gradients = no_grad();
        Tensor At(double scale)
        {
            using var conditioning = _model.Encode(Request(scale));
            return _model.Velocity(_recorded["noise"], [0.5], conditioning);
        }

        var (one, two, recorded) = (At(1), At(2), At(FluxFolder.Guidance));
        foreach (var (left, right) in ((Tensor, Tensor)[])[(one, two), (one, recorded), (two, recorded)])
            Assert.True((left - right).abs().max().item<float>() > 1e-3 * left.abs().max().item<float>());
    }

    [Fact]
    public void Encoded_pictures_are_shifted_and_scaled_as_the_folder_says()
    {
        const double further = 0.25;
        var config = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(Path.Combine(_folder.Source, "vae", "config.json")))!;
        var (scale, shift) = ((double)config["scaling_factor"]!, (double)config["shift_factor"]!);
        var encoded = _model.Encode(_recorded["images"]);
        Assert.Equal(_recorded["noise"].shape, encoded.shape);
        Assert.False(encoded.requires_grad);
        _folder.Set("vae/config.json", "scaling_factor", 2 * scale);
        _folder.Set("vae/config.json", "shift_factor", shift + further);
        using var other = _folder.Open();
        Agreement.Values(other.Encode(_recorded["images"]), 2 * (encoded - (further * scale)), "latents");
    }

    public void Dispose()
    {
        _scope.Dispose();
        _model.Dispose();
        _folder.Dispose();
    }

    private static ConditioningRequest Request(double scale) => new(FluxFolder.Prompts, new Guidance(scale), FluxFolder.Size);
}
