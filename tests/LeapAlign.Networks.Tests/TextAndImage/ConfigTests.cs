using LeapAlign.Networks.Clip;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.T5;
using LeapAlign.Pipeline;

namespace LeapAlign.Networks.Tests.TextAndImage;

/// <summary>config.json of the text and image networks: defaults, and what is wrong with a wrong one.</summary>
public class ConfigTests
{
    [Fact]
    public void Absent_fields_of_a_clip_model_have_the_defaults_of_transformers()
    {
        var config = ConfigFile.Require("""{ "architectures": ["CLIPModel"] }""", ClipConfig.Read);
        var tower = new ClipTransformerConfig { Width = 512, Layers = 12, Heads = 8, Intermediate = 2048, Activation = Activation.QuickGelu, Epsilon = 1e-5 };
        Assert.Equal(new ClipTextConfig { Transformer = tower, Vocabulary = 49408, Positions = 77, EndToken = 49407, Projection = 512 }, config.Text);
        var vision = tower with { Width = 768, Heads = 12, Intermediate = 3072 };
        Assert.Equal(new ClipVisionConfig { Transformer = vision, ImageSize = 224, PatchSize = 32, Channels = 3, Projection = 512 }, config.Vision);
    }

    [Fact]
    public void Only_the_class_with_projection_projects()
    {
        foreach (var dimension in (string[])["4", "null", "0"])
            Assert.Null(ConfigFile.Require($$"""{ "architectures": ["CLIPTextModel"], "projection_dim": {{dimension}} }""", ClipTextConfig.Read).Projection);
        Assert.Equal(4, ConfigFile.Require("""{ "architectures": ["CLIPTextModelWithProjection"], "projection_dim": 4 }""", ClipTextConfig.Read).Projection);
    }

    [Fact]
    public void Absent_fields_of_T5_have_the_defaults_of_transformers()
    {
        var config = ConfigFile.Require("""{ "architectures": ["T5EncoderModel"] }""", T5Config.Read);
        Assert.Equal((512, 64, 8, 2048), (config.Width, config.HeadWidth, config.Heads, config.Intermediate));
        Assert.Equal((6, 32128, new T5PositionBuckets(32, 128), 1e-6), (config.Layers, config.Vocabulary, config.Buckets, config.Epsilon));
        Assert.False(config.Gated);
    }

    [Theory]
    [InlineData("gated-gelu", true, nameof(Activation.GeluTanh))]
    [InlineData("gated-silu", true, nameof(Activation.Silu))]
    [InlineData("gelu", false, nameof(Activation.GeluErf))]
    [InlineData("gated-gelu_python", true, nameof(Activation.GeluErf))]
    [InlineData("gated-swish", true, nameof(Activation.Silu))]
    [InlineData("relu\", \"dense_act_fn\": \"silu", false, nameof(Activation.Silu))] // what the library writes out counts
    [InlineData("relu\", \"is_gated_act\": true, \"dense_act_fn\": \"gelu", true, nameof(Activation.GeluErf))]
    public void Feed_forward_of_T5(string name, bool gated, string function)
    {
        var config = ConfigFile.Require($$"""{ "architectures": ["T5EncoderModel"], "feed_forward_proj": "{{name}}" }""", T5Config.Read);
        Assert.Equal((gated, function), (config.Gated, config.Activation.Method.Name));
    }

    [Fact]
    public void Second_names_of_T5_sizes_hide_the_first()
    {
        const string json = """{ "architectures": ["T5EncoderModel"], "d_model": 8, "hidden_size": 16, "num_heads": 2, "num_attention_heads": 4, "head_dim": 3, "num_hidden_layers": 5 }""";
        var config = ConfigFile.Require(json, T5Config.Read);
        Assert.Equal((16, 4, 3, 5), (config.Width, config.Heads, config.HeadWidth, config.Layers));
    }

    [Fact]
    public void The_second_object_of_an_old_clip_file_hides_the_first_whole()
    {
        const string json = """
            { "architectures": ["CLIPModel"], "text_config": { "hidden_size": 64, "vocab_size": 9 }, "text_config_dict": { "num_hidden_layers": 3 },
              "vision_config": { "image_size": 64 }, "vision_config_dict": null }
            """;
        var config = ConfigFile.Require(json, ClipConfig.Read);
        Assert.Equal((512, 3, 49408, 64), (config.Text.Transformer.Width, config.Text.Transformer.Layers, config.Text.Vocabulary, config.Vision.ImageSize));
    }

    [Theory]
    [InlineData("""{ "architectures": ["BertModel"] }""", "architectures", "CLIPModel")]
    [InlineData("""{ }""", "architectures", "missing")]
    [InlineData("""{ "architectures": ["CLIPModel"], "model_type": "siglip" }""", "model_type", "siglip")]
    [InlineData("""{ "architectures": ["CLIPModel"], "text_config": { "model_type": "bert" } }""", "text_config.model_type", "bert")]
    [InlineData("""{ "architectures": ["CLIPModel"], "vision_config": { "hidden_act": "mish" } }""", "vision_config.hidden_act", "mish")]
    [InlineData("""{ "architectures": ["CLIPModel"], "vision_config": { "hidden_size": "big" } }""", "vision_config.hidden_size", "big")]
    [InlineData("""{ "architectures": ["CLIPModel"], "text_config": 3 }""", "text_config", "object")]
    [InlineData("""{ "architectures": ["CLIPModel"], "text_config": { "num_attention_heads": 7 } }""", "text_config.num_attention_heads", "512")]
    [InlineData("""{ "architectures": ["CLIPModel"], "vision_config": { "patch_size": 300 } }""", "vision_config.patch_size", "224")]
    [InlineData("""{ "architectures": ["CLIPModel"], "vision_config": { "num_channels": 1 } }""", "vision_config.num_channels", "1")]
    [InlineData("""{ "architectures": ["CLIPModel"], "vision_config": { "image_size": [224, 224] } }""", "vision_config.image_size", "224")]
    [InlineData("""{ "architectures": ["CLIPModel"], "vision_config": { "hidden_act": "gelu-approximate" } }""", "vision_config.hidden_act", "gelu-approximate")]
    [InlineData("""{ "architectures": ["CLIPModel"], "text_config": { "eos_token_id": [1, 2] } }""", "text_config.eos_token_id", "[1, 2]")]
    [InlineData("""{ "architectures": ["CLIPModel"], "text_config": { "eos_token_id": null } }""", "text_config.eos_token_id", "null")]
    [InlineData("""{ "architectures": ["CLIPModel"], "text_config": { "layer_norm_eps": null } }""", "text_config.layer_norm_eps", "null")]
    [InlineData("""{ "architectures": ["CLIPModel"], "projection_dim": null }""", "projection_dim", "null")]
    [InlineData("""{ "architectures": ["CLIPModel"], "quantization_config": { "load_in_8bit": true } }""", "quantization_config", "not known")]
    [InlineData("""{ "architectures": ["CLIPModel"], "text_config": { "per_layer_config": { "0": {} } } }""", "text_config.per_layer_config", "not known")]
    [InlineData("""{ "architectures": ["CLIPModel"], "text_config_dict": { "num_attention_heads": 7 } }""", "text_config_dict.num_attention_heads", "512")]
    [InlineData("""{ "architectures": ["CLIPModel"], "transformers_weights": "other.safetensors" }""", "transformers_weights", "other.safetensors")]
    [InlineData("""{ "architectures": ["CLIPModel"], "configuration_files": ["config.4.0.0.json"] }""", "configuration_files", "config.4.0.0.json")]
    [InlineData("""{ "architectures": ["CLIPModel"], "text_config": { "layer_norm_eps": 1 } }""", "text_config.layer_norm_eps", "whole number")]
    [InlineData("""{ "architectures": ["CLIPModel"], "text_config": { "is_causal": false } }""", "text_config.is_causal", "false")]
    [InlineData("""{ "architectures": ["CLIPModel"], "text_config": { "is_causal": null } }""", "text_config.is_causal", "null")]
    [InlineData("""{ "architectures": ["CLIPModel"], "vision_config": { "is_causal": true } }""", "vision_config.is_causal", "true")]
    public void Wrong_clip_configuration_is_a_fault_with_its_key(string json, string key, string word) => AssertFault(ConfigFile.Fault(json, ClipConfig.Read), key, word);

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{ "hidden_size": 64 }""")]
    public void A_text_encoder_whose_sizes_the_library_reads_elsewhere_is_a_fault(string nested) =>
        AssertFault(ConfigFile.Fault($$"""{ "architectures": ["CLIPTextModel"], "text_config": {{nested}} }""", ClipTextConfig.Read), "text_config", "every size");

    [Fact]
    public void What_leads_nowhere_is_no_fault() =>
        ConfigFile.Require("""{ "architectures": ["T5EncoderModel"], "transformers_weights": null, "configuration_files": [], "fusion_config": null, "layer_types": null, "is_causal": false, "layer_norm_epsilon": 1e-5 }""", T5Config.Read);

    [Theory]
    [InlineData("""{ "architectures": ["T5ForConditionalGeneration"] }""", "architectures", "T5EncoderModel")]
    [InlineData("""{ "architectures": ["T5EncoderModel"], "model_type": "umt5" }""", "model_type", "umt5")]
    [InlineData("""{ "architectures": ["T5EncoderModel"], "feed_forward_proj": "gated-mish" }""", "feed_forward_proj", "mish")]
    [InlineData("""{ "architectures": ["T5EncoderModel"], "relative_attention_num_buckets": 2 }""", "relative_attention_num_buckets", "2")]
    [InlineData("""{ "architectures": ["T5EncoderModel"], "relative_attention_max_distance": 8 }""", "relative_attention_max_distance", "8")]
    [InlineData("""{ "architectures": ["T5EncoderModel"], "is_decoder": true }""", "is_decoder", "true")]
    [InlineData("""{ "architectures": ["T5EncoderModel"], "feed_forward_proj": "relu-gelu" }""", "feed_forward_proj", "relu-gelu")]
    [InlineData("""{ "architectures": ["T5EncoderModel"], "feed_forward_proj": "gated-gelu-approximate" }""", "feed_forward_proj", "approximate")]
    [InlineData("""{ "architectures": ["T5EncoderModel"], "dense_act_fn": "mish" }""", "dense_act_fn", "mish")]
    [InlineData("""{ "architectures": ["T5EncoderModel"], "d_model": null }""", "d_model", "null")]
    [InlineData("""{ "architectures": ["T5EncoderModel"], "hidden_size": null }""", "hidden_size", "null")]
    [InlineData("""{ "architectures": ["T5EncoderModel"], "quantization_config": {} }""", "quantization_config", "not known")]
    [InlineData("""{ "architectures": ["T5EncoderModel"], "is_causal": true }""", "is_causal", "true")]
    [InlineData("""{ "architectures": ["T5EncoderModel"], "layer_types": ["full_attention"] }""", "layer_types", "not known")]
    [InlineData("""{ "architectures": ["T5EncoderModel"], "fusion_config": { "qkv": true } }""", "fusion_config", "not known")]
    [InlineData("""{ "architectures": ["T5EncoderModel"], "transformers_weights": "model.int8.safetensors" }""", "transformers_weights", "model.int8.safetensors")]
    [InlineData("""{ "architectures": ["T5EncoderModel"], "configuration_files": {} }""", "configuration_files", "{}")]
    [InlineData("""{ "architectures": ["T5EncoderModel"], "layer_norm_epsilon": 1 }""", "layer_norm_epsilon", "whole number")]
    public void Wrong_T5_configuration_is_a_fault_with_its_key(string json, string key, string word) => AssertFault(ConfigFile.Fault(json, T5Config.Read), key, word);

    private static void AssertFault(Fault fault, string key, string word)
    {
        Assert.Equal(FaultCodes.WrongModelClass, fault.Code);
        Assert.Equal(key, fault.Place?.Key);
        Assert.EndsWith("config.json", fault.Place?.File, StringComparison.Ordinal);
        Assert.Contains(word, fault.Message, StringComparison.Ordinal);
    }
}
