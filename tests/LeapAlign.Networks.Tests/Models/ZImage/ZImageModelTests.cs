using System.Text.Json.Nodes;
using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Pipeline;
using LeapAlign.Pipelines;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Models.ZImage.Tests;

/// <summary>The model <c>z-image</c>: precisions, noise levels, what it refuses, and what it exports.</summary>
public sealed class ZImageModelTests : IDisposable
{
    private readonly ZImageFolder _folder = new();
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    [Fact]
    public void Bfloat16_networks_pass_gradients_to_the_masters_and_stay_near_float32()
    {
        using var exact = _folder.Open();
        using var rounded = _folder.Open(ScalarType.BFloat16);
        var (expected, actual) = (Velocity(exact, 0.5, 2), Velocity(rounded, 0.5, 2));
        Assert.Equal(ScalarType.Float32, actual.dtype);
        Assert.InRange(((actual - expected).norm() / expected.norm()).item<float>(), 1e-6, 5e-2);
        actual.square().mean().backward();
        Assert.All(rounded.Parameters.Where(static parameter => parameter.Value.grad is not null), static parameter => Assert.Equal((ScalarType.Float32, ScalarType.Float32), (parameter.Value.dtype, parameter.Value.grad!.dtype)));
        Assert.Contains(rounded.Parameters, static parameter => parameter.Value.grad is not null);
    }

    [Fact]
    public void Times_keep_single_precision_in_a_bfloat16_run()
    {
        using var gradients = no_grad();
        using var model = _folder.Open(ScalarType.BFloat16);
        Assert.False(Velocity(model, 0.7002, 1).equal(Velocity(model, 0.701, 1)).all().item<bool>());
    }

    [Fact]
    public void Each_sample_can_have_a_noise_level_of_its_own()
    {
        using var gradients = no_grad();
        using var model = _folder.Open();
        using var conditioning = model.Encode(new ConditioningRequest(ZImageFolder.Prompts, new Guidance(2), ZImageFolder.Size));
        var noise = Noise(model);
        double[] sigmas = [.. ZImageFolder.Prompts.Select(static (_, index) => 0.2 + (0.3 * index))];
        var together = model.Velocity(noise, sigmas, conditioning);
        for (var sample = 0; sample < sigmas.Length; sample++)
            Agreement.Values(together[sample], model.Velocity(noise, [sigmas[sample]], conditioning)[sample], $"sample {sample}");
        Assert.Throws<ArgumentException>(() => model.Velocity(noise, [.. sigmas, 0.5], conditioning));
    }

    [Fact]
    public void Guidance_of_one_is_none_and_leads_away_from_the_empty_caption_without_another()
    {
        using var gradients = no_grad();
        using var model = _folder.Open();
        var request = new ConditioningRequest(ZImageFolder.Prompts, new Guidance(3), ZImageFolder.Size);
        Tensor Of(ConditioningRequest asked)
        {
            using var conditioning = model.Encode(asked);
            return model.Velocity(Noise(model), [0.6], conditioning);
        }

        var (plain, guided) = (Of(request with { Guidance = Guidance.None }), Of(request));
        Assert.True(guided.equal(Of(request with { Negatives = [.. ZImageFolder.Prompts.Select(static _ => "")] })).all().item<bool>());
        var away = Of(request with { Captions = [.. ZImageFolder.Prompts.Select(static _ => "")], Guidance = Guidance.None });
        Agreement.Values(guided, away + (3 * (plain - away)), "guided");
    }

    [Fact]
    public void Frozen_weights_are_kept_in_the_precision_of_the_run_and_nothing_is_trained()
    {
        using var frozen = _folder.Open(ScalarType.BFloat16, frozen: true);
        using var trained = _folder.Open(ScalarType.BFloat16);
        Assert.Empty(frozen.Parameters);
        Assert.NotEmpty(trained.Parameters);
        Assert.False(Velocity(frozen, 0.5, 2).requires_grad);
        Assert.True(Velocity(frozen, 0.5, 2).equal(Velocity(trained, 0.5, 2).detach()).all().item<bool>());
        Assert.All(frozen.Networks.Weights.Parameters, static weight => Assert.Equal(ScalarType.BFloat16, weight.Master.dtype));
    }

    [Fact]
    public void Sites_are_the_linear_layers_with_their_roles()
    {
        using var model = _folder.Open();
        var weights = model.Parameters.ToDictionary(static parameter => parameter.Name, static parameter => parameter.Value.shape);
        Assert.All(model.Sites, site => Assert.Equal([site.Outputs, site.Inputs], weights[$"{site.Name}.weight"]));
        foreach (var (name, role) in ((string, SiteRole)[])
            [("layers.0.attention.to_out.0", SiteRole.Attention), ("context_refiner.0.feed_forward.w2", SiteRole.FeedForward), ("noise_refiner.0.adaLN_modulation.0", SiteRole.Modulation), ("cap_embedder.1", SiteRole.Embedding)])
            Assert.Equal(role, Assert.Single(model.Sites, site => site.Name == name).Role);
    }

    [Fact]
    public void Captions_are_cut_to_the_places_of_the_network_and_more_are_refused()
    {
        var places = JsonNode.Parse(File.ReadAllText(Path.Combine(_folder.Source, "transformer", "config.json")))!["axes_lens"]![0]!.GetValue<int>();
        var most = Math.Min(512, (places - 2) / 32 * 32);
        using (var model = _folder.Open())
        using (var conditioning = (BranchedConditioning)model.Encode(new ConditioningRequest([string.Concat(Enumerable.Repeat("a red ring ", 300))], Guidance.None, ZImageFolder.Size)))
        {
            Assert.Equal([most], conditioning.Captions.Lengths);
            Assert.Equal(FaultCodes.CaptionCut, Assert.Single(_folder.Warnings).Code);
        }
        var fault = ZImageFolder.FaultOf(_folder.TryOpen(settings: new ZImageSettings { Folder = _folder.Source, TextLength = ((places - 2) / 32 * 32) + 1 }));
        Assert.Equal(FaultCodes.SettingsDoNotFit, fault.Code);
        Assert.Contains("axes_lens", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sizes_are_multiples_of_a_token_and_end_with_the_places()
    {
        using var model = _folder.Open();
        var places = JsonNode.Parse(File.ReadAllText(Path.Combine(_folder.Source, "transformer", "config.json")))!["axes_lens"]!.AsArray().Select(static node => node!.GetValue<int>()).Skip(1).Min();
        Assert.Equal(Math.Min(128, 2 * places) * ZImageFolder.Size.Width / (int)Noise(model).shape[3], model.NativeSize.Width);
        Assert.True(model.Latents(new ImageSize(16 * places, 16)).IsOk);
        foreach (var size in new[] { new ImageSize(ZImageFolder.Size.Width + 8, ZImageFolder.Size.Height), new ImageSize(16 * (places + 1), 16), new ImageSize(0, 16) })
            Assert.Equal(FaultCodes.OutOfRange, ZImageFolder.FaultOf(model.Latents(size)).Code);
    }

    [Theory]
    [InlineData("model_index.json", "_class_name", "\"FluxPipeline\"", "has to be ZImagePipeline; the model 'flux' opens this folder")]
    [InlineData("model_index.json", "_class_name", "\"ZImageOmniPipeline\"", "has to be ZImagePipeline")]
    [InlineData("model_index.json", "text_encoder", "[null, null]", "is missing")]
    [InlineData("model_index.json", "tokenizer", "[\"transformers\", \"CLIPTokenizer\"]", "Qwen2Tokenizer")]
    [InlineData("transformer/config.json", "in_channels", "4", "latent channels")]
    [InlineData("transformer/config.json", "cap_feat_dim", "9", "the text encoder is")]
    [InlineData("transformer/config.json", "siglip_feat_dim", "9", "omni")]
    [InlineData("transformer/config.json", "all_patch_size", "[2, 4]", "has to be [2]")]
    [InlineData("transformer/config.json", "all_f_patch_size", "[2]", "has to be [1]")]
    [InlineData("transformer/config.json", "axes_dims", "[4, 4, 6]", "add up to")]
    [InlineData("transformer/config.json", "axes_lens", "[33, 32, 32]", "less than the shortest caption")]
    [InlineData("transformer/config.json", "n_refiner_layers", "-1", "0 or more")]
    [InlineData("text_encoder/config.json", "rope_scaling", "{\"rope_type\": \"yarn\", \"factor\": 4.0}", "has to be default")]
    [InlineData("text_encoder/config.json", "use_sliding_window", "true", "every token")]
    [InlineData("text_encoder/config.json", "hidden_act", "\"gelu\"", "has to be silu")]
    [InlineData("text_encoder/config.json", "architectures", "[\"Qwen2Model\"]", "Qwen3")]
    public void A_folder_that_is_no_such_pipeline_is_refused_by_file_and_key(string file, string key, string value, string words)
    {
        _folder.Set(file, key, JsonNode.Parse(value));
        var fault = ZImageFolder.FaultOf(_folder.TryOpen());
        Assert.Equal(FaultCodes.WrongModelClass, fault.Code);
        Assert.StartsWith(key, fault.Place?.Key, StringComparison.Ordinal);
        Assert.Equal(Path.Combine(_folder.Source, file), fault.Place?.File);
        Assert.Contains(words, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_exported_model_opens_and_computes_the_same_and_its_card_says_the_guidance_as_diffusers_counts()
    {
        using var gradients = no_grad();
        using var model = _folder.Open();
        var weights = model.Parameters.Select(static parameter => parameter.Value.detach() + 0.01f).ToList();
        var request = new ExportRequest(_folder.At("export"), ScalarType.Float32) { Weights = weights, Guidance = new Guidance(1) };
        var said = Recording.Require(model.CheckExport(request));
        Recording.Require(model.Export(request));
        Assert.Equal(Directory.EnumerateFiles(_folder.At("export"), "*", SearchOption.AllDirectories).Sum(static file => new FileInfo(file).Length), said);
        using var opened = _folder.Open(folder: _folder.At("export"));
        using (model.Use(new Contracts.Weights.Policy("test", weights))) Assert.True(Velocity(model, 0.7, 2).equal(Velocity(opened, 0.7, 2)).all().item<bool>());
        var card = File.ReadAllText(_folder.At("export", ExportCard.FileName));
        Assert.Contains("guidance_scale=0", card, StringComparison.Ordinal);
        Assert.Contains("ZImagePipeline.from_pretrained(\"this folder\")", card, StringComparison.Ordinal);
        Assert.Contains("tokens of Qwen3", card, StringComparison.Ordinal);
        Assert.Contains("reads more of longer ones", card, StringComparison.Ordinal);
    }

    [Fact]
    public void A_flow_map_of_no_gap_gives_the_velocity_and_a_gap_learns()
    {
        using var model = _folder.Open(settings: new ZImageSettings { Folder = _folder.Source, FlowMap = true });
        using var velocity = _folder.Open();
        using var conditioning = model.Encode(new ConditioningRequest(ZImageFolder.Prompts, Guidance.None, ZImageFolder.Size));
        var jump = model.MeanVelocity(Noise(model), [0.8], [0.2], conditioning);
        Assert.True(jump.equal(Velocity(velocity, 0.8, 1)).all().item<bool>());
        jump.square().mean().backward();
        var gap = model.Parameters.Single(static parameter => parameter.Name == "gap_embedder.linear_2.weight");
        Assert.True(gap.Value.grad!.abs().max().item<float>() > 0);
    }

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    private static Tensor Noise(ZImageModel model) => RandomKey.OfRun(1).Normal(Recording.Require(model.Latents(ZImageFolder.Size)).Batch(ZImageFolder.Prompts.Length), CPU);

    private static Tensor Velocity(ZImageModel model, double sigma, double guidance)
    {
        using var conditioning = model.Encode(new ConditioningRequest(ZImageFolder.Prompts, new Guidance(guidance), ZImageFolder.Size));
        return model.Velocity(Noise(model), [sigma], conditioning);
    }
}
