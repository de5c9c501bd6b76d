using LeapAlign.Networks.Clip;
using LeapAlign.Networks.T5;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.TextAndImage;

/// <summary>The configurations that users load, on the "meta" device: names and shapes of the weights, and a forward pass that makes no tensor elsewhere.</summary>
public class PublishedSizeTests
{
    private const string ClipTextL = """
        { "architectures": ["CLIPTextModel"], "model_type": "clip_text_model", "hidden_act": "quick_gelu", "hidden_size": 768, "intermediate_size": 3072,
          "num_hidden_layers": 12, "num_attention_heads": 12, "projection_dim": 768, "max_position_embeddings": 77, "vocab_size": 49408, "eos_token_id": 2 }
        """;

    private const string ClipTextBigG = """
        { "architectures": ["CLIPTextModelWithProjection"], "model_type": "clip_text_model", "hidden_act": "gelu", "hidden_size": 1280,
          "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 20, "projection_dim": 1280, "max_position_embeddings": 77,
          "vocab_size": 49408, "eos_token_id": 49407 }
        """;

    private const string ClipViTL14 = """
        { "architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": 768, "text_config_dict": null,
          "text_config": { "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12, "eos_token_id": 2 },
          "vision_config": { "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16, "patch_size": 14 } }
        """;

    private const string T5Xxl = """
        { "architectures": ["T5EncoderModel"], "model_type": "t5", "d_ff": 10240, "d_kv": 64, "d_model": 4096, "feed_forward_proj": "gated-gelu",
          "layer_norm_epsilon": 1e-06, "num_heads": 64, "num_layers": 24, "relative_attention_num_buckets": 32, "vocab_size": 32128 }
        """;

    [Theory]
    [InlineData(ClipTextL, 768, 3072, 12, null)]
    [InlineData(ClipTextBigG, 1280, 5120, 32, 1280L)]
    public void Clip_text_encoders(string json, long width, long intermediate, int layers, long? projection)
    {
        using var scope = NewDisposeScope();
        using var weights = new WeightSet();
        var network = new ClipTextEncoder(ConfigFile.Require(json, ClipTextConfig.Read), weights.Root);
        var shapes = Allocate(weights, bfloat16);
        Assert.Equal(2 + (16 * layers) + 2 + (projection is null ? 0 : 1), shapes.Count);
        AssertTextTower(shapes, width, intermediate, layers);
        var (penultimate, last, pooled) = network.Forward(MetaIds(2, 77));
        AssertMeta(penultimate, 2, 77, width);
        AssertMeta(last, 2, 77, width);
        AssertMeta(pooled, 2, projection ?? width);
        if (projection is { } features) Assert.Equal([features, width], shapes["text_projection.weight"]);
    }

    [Fact]
    public void Clip_model_ViT_L_14()
    {
        using var scope = NewDisposeScope();
        using var weights = new WeightSet();
        var network = new ClipModel(ConfigFile.Require(ClipViTL14, ClipConfig.Read), weights.Root);
        var shapes = Allocate(weights, bfloat16);
        Assert.Equal(1 + (2 + (16 * 12) + 2 + 1) + (3 + 2 + (16 * 24) + 2 + 1), shapes.Count);
        AssertTextTower(shapes, 768, 3072, 12);
        Assert.Equal([], shapes["logit_scale"]);
        Assert.Equal([768, 768], shapes["text_projection.weight"]);
        Assert.Equal([1024, 3, 14, 14], shapes["vision_model.embeddings.patch_embedding.weight"]);
        Assert.Equal([1024], shapes["vision_model.embeddings.class_embedding"]);
        Assert.Equal([257, 1024], shapes["vision_model.embeddings.position_embedding.weight"]);
        Assert.Equal([1024], shapes["vision_model.pre_layrnorm.weight"]);
        Assert.Equal([1024, 1024], shapes["vision_model.encoder.layers.23.self_attn.out_proj.weight"]);
        Assert.Equal([4096, 1024], shapes["vision_model.encoder.layers.0.mlp.fc1.weight"]);
        Assert.Equal([1024], shapes["vision_model.post_layernorm.bias"]);
        Assert.Equal([768, 1024], shapes["visual_projection.weight"]);
        AssertMeta(network.ImageFeatures(zeros(2, 3, 224, 224, device: META)), 2, 768);
        AssertMeta(network.TextFeatures(MetaIds(2, 77)), 2, 768);
        AssertMeta(network.LogitScale());
    }

    [Fact]
    public void T5_XXL()
    {
        using var scope = NewDisposeScope();
        using var weights = new WeightSet();
        var network = new T5Encoder(ConfigFile.Require(T5Xxl, T5Config.Read), weights.Root);
        var shapes = Allocate(weights, bfloat16);
        Assert.Equal(1 + 1 + (24 * 9) + 1, shapes.Count);
        Assert.Equal([32128, 4096], shapes["shared.weight"]);
        Assert.Equal([32, 64], shapes["encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"]);
        foreach (var name in new[] { "q", "k", "v", "o" }) Assert.Equal([4096, 4096], shapes[$"encoder.block.23.layer.0.SelfAttention.{name}.weight"]);
        Assert.Equal([4096], shapes["encoder.block.23.layer.0.layer_norm.weight"]);
        Assert.Equal([10240, 4096], shapes["encoder.block.7.layer.1.DenseReluDense.wi_0.weight"]);
        Assert.Equal([10240, 4096], shapes["encoder.block.7.layer.1.DenseReluDense.wi_1.weight"]);
        Assert.Equal([4096, 10240], shapes["encoder.block.7.layer.1.DenseReluDense.wo.weight"]);
        Assert.Equal([4096], shapes["encoder.block.7.layer.1.layer_norm.weight"]);
        Assert.Equal([4096], shapes["encoder.final_layer_norm.weight"]);
        AssertMeta(network.Forward(MetaIds(2, 256)), 2, 256, 4096);
    }

    private static Dictionary<string, long[]> Allocate(WeightSet weights, ScalarType type)
    {
        weights.Allocate(META, type);
        weights.ComputeIn(type);
        return weights.All.ToDictionary(weight => weight.Name, weight => weight.Shape.ToArray());
    }

    private static void AssertTextTower(Dictionary<string, long[]> shapes, long width, long intermediate, int layers)
    {
        Assert.Equal([49408, width], shapes["text_model.embeddings.token_embedding.weight"]);
        Assert.Equal([77, width], shapes["text_model.embeddings.position_embedding.weight"]);
        var layer = $"text_model.encoder.layers.{layers - 1}";
        foreach (var name in new[] { "q_proj", "k_proj", "v_proj", "out_proj" })
        {
            Assert.Equal([width, width], shapes[$"{layer}.self_attn.{name}.weight"]);
            Assert.Equal([width], shapes[$"{layer}.self_attn.{name}.bias"]);
        }
        Assert.Equal([width], shapes[$"{layer}.layer_norm1.weight"]);
        Assert.Equal([width], shapes[$"{layer}.layer_norm2.bias"]);
        Assert.Equal([intermediate, width], shapes[$"{layer}.mlp.fc1.weight"]);
        Assert.Equal([width, intermediate], shapes[$"{layer}.mlp.fc2.weight"]);
        Assert.Equal([width], shapes["text_model.final_layer_norm.bias"]);
    }

    private static Tensor MetaIds(long batch, long length) => zeros(batch, length, dtype: int64, device: META);

    private static void AssertMeta(Tensor actual, params long[] shape)
    {
        Assert.Equal(TorchSharp.DeviceType.META, actual.device_type);
        Assert.Equal(shape, actual.shape);
    }
}
