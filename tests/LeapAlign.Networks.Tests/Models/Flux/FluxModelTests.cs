using System.Text.Json.Nodes;
using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Pipeline;
using LeapAlign.Pipelines;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Models.Flux.Tests;

/// <summary>The model <c>flux</c>: precisions, noise levels, what it refuses, and what it exports.</summary>
public sealed class FluxModelTests : IDisposable
{
    private readonly FluxFolder _folder = new();
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    [Fact]
    public void Bfloat16_networks_pass_gradients_to_the_masters_and_stay_near_float32()
    {
        using var exact = _folder.Open();
        using var rounded = _folder.Open(ScalarType.BFloat16);
        // Levels and scales whose thousandfold bf16 holds: others are rounded to times that are far away for the encoding.
        var (expected, actual) = (Velocity(exact, 0.5, 4), Velocity(rounded, 0.5, 4));
        Assert.Equal(ScalarType.Float32, actual.dtype);
        Assert.InRange(((actual - expected).norm() / expected.norm()).item<float>(), 1e-6, 5e-2);
        actual.square().mean().backward();
        Assert.All(rounded.Parameters, static parameter => Assert.True(parameter.Value.dtype == ScalarType.Float32 && parameter.Value.grad?.dtype == ScalarType.Float32, parameter.Name));
    }

    [Fact]
    public void A_bfloat16_run_has_the_times_of_a_bfloat16_pipeline()
    {
        using var gradients = no_grad();
        using var model = _folder.Open(ScalarType.BFloat16);
        // 700.2 and 701 are both 700 in bf16; 702.5 is 704.
        Assert.True(Velocity(model, 0.7002, 4).equal(Velocity(model, 0.701, 4)).all().item<bool>());
        Assert.False(Velocity(model, 0.7002, 4).equal(Velocity(model, 0.7025, 4)).all().item<bool>());
    }

    [Fact]
    public void Each_sample_can_have_a_noise_level_of_its_own()
    {
        using var gradients = no_grad();
        using var model = _folder.Open();
        using var conditioning = model.Encode(new ConditioningRequest(FluxFolder.Prompts, new Guidance(2), FluxFolder.Size));
        var noise = Noise(model);
        double[] sigmas = [.. FluxFolder.Prompts.Select(static (_, index) => 0.2 + (0.3 * index))];
        var together = model.Velocity(noise, sigmas, conditioning);
        for (var sample = 0; sample < sigmas.Length; sample++)
            Agreement.Values(together[sample], model.Velocity(noise, [sigmas[sample]], conditioning)[sample], $"sample {sample}");
        Assert.True(model.Velocity(noise, [0.7], conditioning).equal(model.Velocity(noise, [.. sigmas.Select(static _ => 0.7)], conditioning)).all().item<bool>());
        Assert.Throws<ArgumentException>(() => model.Velocity(noise, [.. sigmas, 0.5], conditioning));
    }

    [Fact]
    public void Frozen_weights_are_kept_in_the_precision_of_the_run_and_nothing_is_trained()
    {
        using var frozen = _folder.Open(ScalarType.BFloat16, frozen: true);
        using var trained = _folder.Open(ScalarType.BFloat16);
        Assert.Empty(frozen.Parameters);
        Assert.NotEmpty(trained.Parameters);
        Assert.False(Velocity(frozen, 0.5, 4).requires_grad);
        Assert.True(Velocity(frozen, 0.5, 4).equal(Velocity(trained, 0.5, 4).detach()).all().item<bool>());
        Assert.All(frozen.Networks.Weights.Parameters, static weight => Assert.Equal(ScalarType.BFloat16, weight.Master.dtype));
    }

    [Fact]
    public void Sites_are_the_linear_layers_with_their_roles()
    {
        using var model = _folder.Open();
        var weights = model.Parameters.ToDictionary(static parameter => parameter.Name, static parameter => parameter.Value.shape);
        Assert.All(model.Sites, site => Assert.Equal([site.Outputs, site.Inputs], weights[$"{site.Name}.weight"]));
        foreach (var (name, role) in ((string, SiteRole)[])
            [("transformer_blocks.0.attn.add_q_proj", SiteRole.Attention), ("transformer_blocks.0.ff_context.net.2", SiteRole.FeedForward), ("single_transformer_blocks.0.norm.linear", SiteRole.Modulation), ("x_embedder", SiteRole.Embedding)])
            Assert.Equal(role, Assert.Single(model.Sites, site => site.Name == name).Role);
    }

    [Fact]
    public void A_model_that_embeds_no_guidance_refuses_one_by_its_name_and_reads_fewer_tokens()
    {
        _folder.Set("tokenizer_2/tokenizer_config.json", "model_max_length", 512);
        using (var dev = _folder.Open())
        using (var conditioning = (FluxConditioning)dev.Encode(new ConditioningRequest(["a"], new Guidance(1), FluxFolder.Size)))
        {
            Assert.Equal(512, conditioning.Captions.Context.shape[1]);
            Assert.Equal(1, conditioning.Guidance);
        }
        _folder.TakeGuidanceAway();
        using var model = _folder.Open();
        Assert.Equal(GuidanceForm.None, model.GuidanceForm);
        using (var conditioning = (FluxConditioning)model.Encode(new ConditioningRequest(["a"], Guidance.None, FluxFolder.Size)))
        {
            Assert.Equal(256, conditioning.Captions.Context.shape[1]);
            Assert.Null(conditioning.Guidance);
        }
        var fault = Assert.Throws<FaultException>(() => model.Encode(new ConditioningRequest(["a"], new Guidance(3.5), FluxFolder.Size))).Fault;
        Assert.Equal(FaultCodes.SettingsDoNotFit, fault.Code);
        Assert.Contains("is 3.5, but the model 'my-flux' embeds none", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Captions_to_lead_away_from_are_refused()
    {
        using var model = _folder.Open();
        var request = new ConditioningRequest(["a"], new Guidance(3.5), FluxFolder.Size) { Negatives = ["b"] };
        Assert.Contains("no negative branch", Assert.Throws<FaultException>(() => model.Encode(request)).Fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sizes_are_multiples_of_a_token_and_have_no_end()
    {
        using var model = _folder.Open();
        Assert.Equal(128 * FluxFolder.Size.Width / (int)Noise(model).shape[3], model.NativeSize.Width);
        Assert.True(model.Latents(new ImageSize(4096, 16)).IsOk);
        foreach (var size in new[] { new ImageSize(FluxFolder.Size.Width + 8, FluxFolder.Size.Height), new ImageSize(FluxFolder.Size.Width, FluxFolder.Size.Height + 1), new ImageSize(0, 16) })
        {
            var fault = FluxFolder.FaultOf(model.Latents(size));
            Assert.Equal(FaultCodes.OutOfRange, fault.Code);
            Assert.Contains("multiples of 16", fault.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("model_index.json", "_class_name", "\"StableDiffusion3Pipeline\"", "has to be FluxPipeline; the model 'sd3' opens this folder")]
    [InlineData("model_index.json", "_class_name", "\"FluxFillPipeline\"", "has to be FluxPipeline")]
    [InlineData("model_index.json", "text_encoder_2", "[null, null]", "is missing")]
    [InlineData("transformer/config.json", "in_channels", "384", "FLUX.1-Fill")]
    [InlineData("transformer/config.json", "out_channels", "128", "gives 128")]
    [InlineData("transformer/config.json", "pooled_projection_dim", "9", "the CLIP encoder pools to")]
    [InlineData("transformer/config.json", "joint_attention_dim", "9", "T5 is")]
    [InlineData("vae/config.json", "shift_factor", "null", "FluxPipeline could draw neither")]
    [InlineData("text_encoder/config.json", "architectures", "[\"CLIPTextModelWithProjection\"]", "has to be a CLIPTextModel")]
    public void A_folder_that_is_no_such_pipeline_is_refused_by_file_and_key(string file, string key, string value, string words)
    {
        _folder.Set(file, key, JsonNode.Parse(value));
        var fault = FluxFolder.FaultOf(_folder.TryOpen());
        Assert.Equal(FaultCodes.WrongModelClass, fault.Code);
        Assert.Equal(key, fault.Place?.Key);
        Assert.Equal(Path.Combine(_folder.Source, file), fault.Place?.File);
        Assert.Contains(words, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_exported_model_opens_and_computes_the_same_and_its_card_says_the_guidance()
    {
        using var gradients = no_grad();
        using var model = _folder.Open();
        var weights = model.Parameters.Select(static parameter => parameter.Value.detach() + 0.01f).ToList();
        var request = new ExportRequest(_folder.At("export"), ScalarType.Float32) { Weights = weights, Guidance = new Guidance(1.5) };
        var said = Recording.Require(model.CheckExport(request));
        Recording.Require(model.Export(request));
        Assert.Equal(Directory.EnumerateFiles(_folder.At("export"), "*", SearchOption.AllDirectories).Sum(static file => new FileInfo(file).Length), said);
        using var opened = _folder.Open(folder: _folder.At("export"));
        using (model.Use(new Contracts.Weights.Policy("test", weights))) Assert.True(Velocity(model, 0.7, 2).equal(Velocity(opened, 0.7, 2)).all().item<bool>());
        var card = File.ReadAllText(_folder.At("export", ExportCard.FileName));
        Assert.Contains("guidance_scale=1.5", card, StringComparison.Ordinal);
        Assert.Contains("FluxPipeline.from_pretrained", card, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    private static Tensor Noise(FluxModel model) => RandomKey.OfRun(1).Normal(Recording.Require(model.Latents(FluxFolder.Size)).Batch(FluxFolder.Prompts.Length), CPU);

    private static Tensor Velocity(FluxModel model, double sigma, double guidance)
    {
        using var conditioning = model.Encode(new ConditioningRequest(FluxFolder.Prompts, new Guidance(guidance), FluxFolder.Size));
        return model.Velocity(Noise(model), [sigma], conditioning);
    }
}
