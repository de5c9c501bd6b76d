using LeapAlign.Networks.Flux;
using LeapAlign.Networks.Sd3;
using LeapAlign.Networks.Tests.TextAndImage;
using LeapAlign.Networks.Vae;
using LeapAlign.Pipeline;

namespace LeapAlign.Networks.Tests.Diffusion;

/// <summary>config.json of the diffusion networks: defaults, and what is wrong with a wrong one.</summary>
public class ConfigTests
{
    private const string Transformer = """
        "attention_head_dim": 8, "caption_projection_dim": 24, "in_channels": 5, "joint_attention_dim": 7, "num_attention_heads": 3, "num_layers": 2,
        "patch_size": 2, "pooled_projection_dim": 6, "pos_embed_max_size": 4, "sample_size": 8
        """;

    private const string Autoencoder = """
        "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D"], "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D"],
        "block_out_channels": [8, 16], "latent_channels": 4, "layers_per_block": 1, "norm_num_groups": 4
        """;

    [Fact]
    public void Absent_fields_of_a_transformer_have_the_defaults_of_diffusers()
    {
        var config = ConfigFile.Require($$"""{ "_class_name": "SD3Transformer2DModel", {{Transformer}} }""", Sd3Config.Read);
        Assert.Equal((16, false, 24), (config.OutChannels, config.NormalisesQueriesAndKeys, config.Width));
        Assert.Empty(config.DualAttentionLayers);
    }

    [Fact]
    public void Absent_fields_of_a_flux_transformer_have_the_defaults_of_diffusers()
    {
        var config = ConfigFile.Require("""{ "_class_name": "FluxTransformer2DModel", "_use_default_values": ["num_layers"], "num_layers": 3 }""", FluxConfig.Read);
        Assert.Equal((19, 38, 24, 128), (config.DoubleLayers, config.SingleLayers, config.Heads, config.HeadWidth));
        Assert.Equal((4096, 768, 64, 64, false), (config.ContextWidth, config.PooledWidth, config.InChannels, config.OutChannels, config.EmbedsGuidance));
        Assert.Equal([16, 56, 56], config.RotaryWidths);
    }

    [Fact]
    public void Output_channels_of_a_flux_transformer_are_the_input_channels_unless_the_file_says_others()
    {
        static int Channels(string more) => ConfigFile.Require($$"""{ "_class_name": "FluxTransformer2DModel", "in_channels": 96{{more}} }""", FluxConfig.Read).OutChannels;
        Assert.Equal((96, 96, 64), (Channels(""), Channels(", \"out_channels\": null"), Channels(", \"out_channels\": 64")));
    }

    [Fact]
    public void Absent_fields_of_an_autoencoder_have_the_defaults_of_diffusers()
    {
        var config = ConfigFile.Require($$"""{ "_class_name": "AutoencoderKL", {{Autoencoder}}, "shift_factor": null }""", VaeConfig.Read);
        Assert.Equal((3, 3, 0.18215, 0.0), (config.InChannels, config.OutChannels, config.ScalingFactor, config.ShiftFactor));
        Assert.Equal((true, true, true, 2), (config.HasMidAttention, config.HasQuantConvolution, config.HasPostQuantConvolution, config.SpatialFactor));
    }

    [Theory]
    [InlineData("\"num_layers\"", "\"layers\"", "num_layers", "missing")]
    [InlineData("\"num_layers\": 2", "\"num_layers\": 0", "num_layers", "0")]
    [InlineData("\"num_layers\": 2", "\"num_layers\": 1000000000000", "num_layers", "from 1 to 16777216")]
    [InlineData("\"num_layers\": 2", "\"num_layers\": [\r\n  2,\n  3\n]", "num_layers", "is [ 2, 3 ], but")]
    [InlineData("\"patch_size\": 2", "\"patch_size\": 2.5", "patch_size", "2.5")]
    [InlineData("\"num_attention_heads\": 3", "\"num_attention_heads\": \"3\"", "num_attention_heads", "3")]
    [InlineData("\"caption_projection_dim\": 24", "\"caption_projection_dim\": 32", "caption_projection_dim", "24")]
    [InlineData("\"sample_size\": 8", "\"sample_size\": 8, \"qk_norm\": \"layer_norm\"", "qk_norm", "rms_norm")]
    [InlineData("\"sample_size\": 8", "\"sample_size\": 8, \"dual_attention_layers\": [0, 2]", "dual_attention_layers", "2")]
    [InlineData("\"sample_size\": 8", "\"sample_size\": 8, \"dual_attention_layers\": 1", "dual_attention_layers", "list")]
    public void Wrong_transformer_configuration_is_a_fault_with_its_key(string right, string wrong, string key, string word)
    {
        var json = $$"""{ "_class_name": "SD3Transformer2DModel", {{Transformer}} }""";
        Assert.Contains(right, json, StringComparison.Ordinal);
        AssertFault(ConfigFile.Fault(json.Replace(right, wrong, StringComparison.Ordinal), Sd3Config.Read), key, word);
    }

    [Theory]
    [InlineData("\"patch_size\": 2", "patch_size", "1")]
    [InlineData("\"num_layers\": 0", "num_layers", "0")]
    [InlineData("\"num_single_layers\": null", "num_single_layers", "null")]
    [InlineData("\"guidance_embeds\": 1", "guidance_embeds", "true or false")]
    [InlineData("\"axes_dims_rope\": null", "axes_dims_rope", "null")]
    [InlineData("\"axes_dims_rope\": []", "axes_dims_rope", "at least one")]
    [InlineData("\"axes_dims_rope\": [64, 64]", "axes_dims_rope", "3 even numbers")]
    [InlineData("\"axes_dims_rope\": [15, 57, 56]", "axes_dims_rope", "even")]
    [InlineData("\"axes_dims_rope\": [16, 56, 54]", "axes_dims_rope", "128")]
    [InlineData("\"attention_head_dim\": 64", "axes_dims_rope", "64")]
    [InlineData("\"quantization_config\": { \"quant_method\": \"bitsandbytes\" }", "quantization_config", "set")]
    public void Wrong_flux_configuration_is_a_fault_with_its_key(string wrong, string key, string word) =>
        AssertFault(ConfigFile.Fault($$"""{ "_class_name": "FluxTransformer2DModel", {{wrong}} }""", FluxConfig.Read), key, word);

    [Theory]
    [InlineData("\"latent_channels\"", "\"channels\"", "latent_channels", "missing")]
    [InlineData("[8, 16]", "[]", "block_out_channels", "at least one")]
    [InlineData("[8, 16]", "[8, -16]", "block_out_channels", "-16")]
    [InlineData("[8, 16]", "[8, 18]", "block_out_channels", "4")]
    [InlineData("[8, 16]", "[8, 16], \"act_fn\": \"relu\"", "act_fn", "relu")]
    [InlineData("[8, 16]", "[8, 16], \"scaling_factor\": 0", "scaling_factor", "0")]
    [InlineData("[8, 16]", "[8, 16], \"scaling_factor\": \"big\"", "scaling_factor", "big")]
    [InlineData("[8, 16]", "[8, 16], \"use_quant_conv\": 1", "use_quant_conv", "1")]
    [InlineData("[8, 16]", "[8, 16], \"latents_mean\": [1, 2]", "latents_mean", "set")]
    [InlineData("[8, 16]", "[8, 16], \"up_block_types\": [\"AttnUpDecoderBlock2D\", \"UpDecoderBlock2D\"]", "up_block_types", "AttnUp")]
    [InlineData("[8, 16]", "[8, 16], \"down_block_types\": [\"DownEncoderBlock2D\"]", "down_block_types", "2 times")]
    [InlineData("\"up_block_types\"", "\"_up\"", "up_block_types", "is missing, which means UpDecoderBlock2D once")]
    [InlineData("\"down_block_types\"", "\"_down\"", "down_block_types", "is missing, which means DownEncoderBlock2D once")]
    [InlineData("[8, 16]", "[8, 16], \"quantization_config\": { \"quant_method\": \"bitsandbytes\" }", "quantization_config", "set")]
    public void Wrong_autoencoder_configuration_is_a_fault_with_its_key(string right, string wrong, string key, string word)
    {
        var json = $$"""{ "_class_name": "AutoencoderKL", {{Autoencoder}} }""";
        Assert.Contains(right, json, StringComparison.Ordinal);
        AssertFault(ConfigFile.Fault(json.Replace(right, wrong, StringComparison.Ordinal), VaeConfig.Read), key, word);
    }

    [Fact]
    public void Another_class_is_named()
    {
        AssertFault(ConfigFile.Fault("""{ "_class_name": "FluxTransformer2DModel" }""", Sd3Config.Read), "_class_name", "SD3Transformer2DModel");
        AssertFault(ConfigFile.Fault("""{ "_class_name": "SD3Transformer2DModel" }""", FluxConfig.Read), "_class_name", "FluxTransformer2DModel");
        AssertFault(ConfigFile.Fault("""{ "_class_name": "AutoencoderTiny" }""", VaeConfig.Read), "_class_name", "AutoencoderTiny");
        AssertFault(ConfigFile.Fault("{ }", Sd3Config.Read), "_class_name", "missing");
    }

    private static void AssertFault(Fault fault, string key, string word)
    {
        Assert.Equal(FaultCodes.WrongModelClass, fault.Code);
        Assert.Equal(key, fault.Place?.Key);
        Assert.EndsWith("config.json", fault.Place?.File, StringComparison.Ordinal);
        Assert.Contains(word, fault.Message, StringComparison.Ordinal);
    }
}
