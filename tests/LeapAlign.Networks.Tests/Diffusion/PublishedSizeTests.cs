using LeapAlign.Networks.Flux;
using LeapAlign.Networks.Sd3;
using LeapAlign.Networks.Tests.TextAndImage;
using LeapAlign.Networks.Vae;
using LeapAlign.Networks.Weights;
using LeapAlign.Networks.ZImage;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Diffusion;

/// <summary>The published configurations on the "meta" device: names and shapes of the weights, and passes that make no tensor elsewhere.</summary>
public class PublishedSizeTests
{
    private const string Medium35 = """
        { "_class_name": "SD3Transformer2DModel", "attention_head_dim": 64, "caption_projection_dim": 1536,
          "dual_attention_layers": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], "in_channels": 16, "joint_attention_dim": 4096, "num_attention_heads": 24,
          "num_layers": 24, "out_channels": 16, "patch_size": 2, "pooled_projection_dim": 2048, "pos_embed_max_size": 384, "qk_norm": "rms_norm",
          "sample_size": 128 }
        """;

    private const string Large35 = """
        { "_class_name": "SD3Transformer2DModel", "attention_head_dim": 64, "caption_projection_dim": 2432, "in_channels": 16,
          "joint_attention_dim": 4096, "num_attention_heads": 38, "num_layers": 38, "out_channels": 16, "patch_size": 2, "pooled_projection_dim": 2048,
          "pos_embed_max_size": 192, "qk_norm": "rms_norm", "sample_size": 128 }
        """;

    private const string Medium3 = """
        { "_class_name": "SD3Transformer2DModel", "attention_head_dim": 64, "caption_projection_dim": 1536, "in_channels": 16,
          "joint_attention_dim": 4096, "num_attention_heads": 24, "num_layers": 24, "out_channels": 16, "patch_size": 2, "pooled_projection_dim": 2048,
          "pos_embed_max_size": 192, "sample_size": 128 }
        """;

    private const string FluxDev = """
        { "_class_name": "FluxTransformer2DModel", "attention_head_dim": 128, "axes_dims_rope": [16, 56, 56], "guidance_embeds": true, "in_channels": 64,
          "joint_attention_dim": 4096, "num_attention_heads": 24, "num_layers": 19, "num_single_layers": 38, "patch_size": 1, "pooled_projection_dim": 768 }
        """;

    private const string FluxSchnell = """
        { "_class_name": "FluxTransformer2DModel", "attention_head_dim": 128, "guidance_embeds": false, "in_channels": 64, "joint_attention_dim": 4096,
          "num_attention_heads": 24, "num_layers": 19, "num_single_layers": 38, "out_channels": null, "patch_size": 1, "pooled_projection_dim": 768 }
        """;

    private const string Autoencoder3 = """
        { "_class_name": "AutoencoderKL", "act_fn": "silu", "block_out_channels": [128, 256, 512, 512],
          "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"], "force_upcast": true,
          "in_channels": 3, "latent_channels": 16, "latents_mean": null, "latents_std": null, "layers_per_block": 2, "norm_num_groups": 32,
          "out_channels": 3, "sample_size": 1024, "scaling_factor": 1.5305, "shift_factor": 0.0609,
          "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"], "use_post_quant_conv": false,
          "use_quant_conv": false }
        """;

    [Theory]
    [InlineData(Medium35, 1536, 24, 13, true, 384)]
    [InlineData(Large35, 2432, 38, 0, true, 192)]
    [InlineData(Medium3, 1536, 24, 0, false, 192)]
    public void Transformers(string json, int width, int layers, int dualLayers, bool normalised, int table)
    {
        using var scope = NewDisposeScope();
        using var weights = new WeightSet();
        var network = new Sd3Transformer(ConfigFile.Require(json, Sd3Config.Read), weights.Root);
        weights.Allocate(META, bfloat16);
        weights.SetTrained(true);
        weights.ComputeIn(bfloat16);
        var expected = Sd3Names.Expected(width, layers, dualLayers, normalised, table);
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), weights.All.Select(weight => weight.Name).Order(StringComparer.Ordinal));
        foreach (var weight in weights.All) Assert.True(expected[weight.Name].SequenceEqual(weight.Shape), $"{weight.Name} is [{string.Join(", ", weight.Shape)}]");
        Assert.Equal("pos_embed.pos_embed", Assert.Single(weights.All, weight => weight.IsBuffer).Name);
        var latents = zeros([2, 16, 64, 64], dtype: float32, device: META, requires_grad: true);
        Tensor Meta(params long[] shape) => zeros(shape, dtype: float32, device: META);
        var velocity = network.Forward(latents, Meta(2, 77 + 256, 4096), Meta(2, 2048), Meta(2));
        AssertMeta(velocity, 2, 16, 64, 64);
        velocity.sum().backward();
        AssertMeta(latents.grad!, 2, 16, 64, 64);
        using var _ = no_grad();
        AssertMeta(network.Forward(latents, Meta(2, 77 + 256, 4096), Meta(2, 2048), Meta(2)), 2, 16, 64, 64);
    }

    [Theory]
    [InlineData(FluxDev, true, 11_901_408_320)]
    [InlineData(FluxSchnell, false, 11_891_178_560)]
    public void Flux_transformers(string json, bool embedsGuidance, long parameters)
    {
        using var scope = NewDisposeScope();
        using var weights = new WeightSet();
        var network = new FluxTransformer(ConfigFile.Require(json, FluxConfig.Read), weights.Root);
        weights.Allocate(META, float32);
        weights.SetTrained(true);
        weights.ComputeIn(bfloat16);
        var expected = FluxNames.Expected(embedsGuidance);
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), weights.All.Select(weight => weight.Name).Order(StringComparer.Ordinal));
        foreach (var weight in weights.All) Assert.True(expected[weight.Name].SequenceEqual(weight.Shape), $"{weight.Name} is [{string.Join(", ", weight.Shape)}]");
        Assert.Equal(weights.All.Count, weights.Parameters.Count);
        Assert.Equal(parameters, weights.Parameters.Sum(static weight => weight.Master.numel()));
        var latents = zeros([2, 16, 64, 48], dtype: float32, device: META, requires_grad: true);
        Tensor Meta(params long[] shape) => zeros(shape, dtype: float32, device: META);
        Tensor Velocity() => FluxTokens.Unpack(network.Forward(new FluxInputs
        {
            Tokens = FluxTokens.Pack(latents),
            Context = Meta(2, 512, 4096),
            Pooled = Meta(2, 768),
            Sigma = FluxTime.OfPipeline(Meta(2), bfloat16),
            Guidance = embedsGuidance ? Meta(2) : null,
            ImagePlaces = FluxTokens.ImagePlaces(64, 48, META),
            TextPlaces = FluxTokens.TextPlaces(512, META),
        }), 64, 48);
        var velocity = Velocity();
        AssertMeta(velocity, 2, 16, 64, 48);
        velocity.sum().backward();
        AssertMeta(latents.grad!, 2, 16, 64, 48);
        using var _ = no_grad();
        AssertMeta(Velocity(), 2, 16, 64, 48);
    }

    [Fact]
    public void Z_image()
    {
        using var scope = NewDisposeScope();
        using var weights = new WeightSet();
        var network = new ZImageTransformer(ConfigFile.Require("""{ "_class_name": "ZImageTransformer2DModel" }""", static path => ZImageConfig.Read(path)), weights.Root);
        weights.Allocate(META, float32);
        weights.SetTrained(true);
        weights.ComputeIn(bfloat16);
        var expected = ZImageNames.Expected();
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), weights.All.Select(weight => weight.Name).Order(StringComparer.Ordinal));
        foreach (var weight in weights.All) Assert.True(expected[weight.Name].SequenceEqual(weight.Shape), $"{weight.Name} is [{string.Join(", ", weight.Shape)}]");
        var latents = zeros([2, 16, 64, 48], dtype: float32, device: META, requires_grad: true);
        Tensor Velocity() => network.Forward(new ZImageInputs { Latents = latents, Context = zeros([2, 40, 2560], dtype: float32, device: META), Lengths = [12, 40], Time = zeros([2], dtype: float32, device: META) });
        var velocity = Velocity();
        AssertMeta(velocity, 2, 16, 64, 48);
        velocity.sum().backward();
        AssertMeta(latents.grad!, 2, 16, 64, 48);
        using var _ = no_grad();
        AssertMeta(Velocity(), 2, 16, 64, 48);
    }

    [Fact]
    public void Autoencoder()
    {
        using var scope = NewDisposeScope();
        using var weights = new WeightSet();
        var network = new Autoencoder(ConfigFile.Require(Autoencoder3, VaeConfig.Read), weights.Root);
        weights.Allocate(META, bfloat16);
        weights.ComputeIn(bfloat16);
        var shapes = weights.All.ToDictionary(weight => weight.Name, weight => weight.Shape.ToArray());
        // Both halves: conv_in, conv_norm_out and conv_out; a mid block of two residual blocks and an attention; 8 residual blocks in the encoder and 12 in
        // the decoder, two of them with a shortcut on either side; three changes of resolution.
        Assert.Equal((2 * 6) + (2 * ((2 * 8) + 10)) + (8 * 8) + (12 * 8) + (2 * 4) + (2 * 3 * 2), shapes.Count);
        Assert.Equal([128, 3, 3, 3], shapes["encoder.conv_in.weight"]);
        Assert.Equal([32, 512, 3, 3], shapes["encoder.conv_out.weight"]);
        Assert.Equal([256, 128, 1, 1], shapes["encoder.down_blocks.1.resnets.0.conv_shortcut.weight"]);
        Assert.Equal([512, 256, 1, 1], shapes["encoder.down_blocks.2.resnets.0.conv_shortcut.weight"]);
        Assert.Equal([512, 512, 3, 3], shapes["encoder.down_blocks.2.downsamplers.0.conv.weight"]);
        Assert.Equal([512, 16, 3, 3], shapes["decoder.conv_in.weight"]);
        Assert.Equal([512, 512], shapes["decoder.mid_block.attentions.0.to_out.0.weight"]);
        Assert.Equal([512], shapes["decoder.mid_block.attentions.0.group_norm.weight"]);
        Assert.Equal([256, 512, 1, 1], shapes["decoder.up_blocks.2.resnets.0.conv_shortcut.weight"]);
        Assert.Equal([128, 256, 3, 3], shapes["decoder.up_blocks.3.resnets.0.conv1.weight"]);
        Assert.Equal([256, 256, 3, 3], shapes["decoder.up_blocks.2.upsamplers.0.conv.weight"]);
        Assert.Equal([128], shapes["decoder.conv_norm_out.weight"]);
        Assert.Equal([3, 128, 3, 3], shapes["decoder.conv_out.weight"]);
        var latents = zeros([2, 16, 64, 64], dtype: float32, device: META, requires_grad: true);
        var picture = network.Decoder.Decode(latents);
        AssertMeta(picture, 2, 3, 512, 512);
        picture.sum().backward();
        AssertMeta(latents.grad!, 2, 16, 64, 64);
        AssertMeta(network.Encoder.Moments(picture), 2, 32, 64, 64);
    }

    private static void AssertMeta(Tensor actual, params long[] shape)
    {
        Assert.Equal(TorchSharp.DeviceType.META, actual.device_type);
        Assert.Equal(float32, actual.dtype);
        Assert.Equal(shape, actual.shape);
    }
}
