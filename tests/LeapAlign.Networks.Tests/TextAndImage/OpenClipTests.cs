using System.Text.Json;
using System.Text.Json.Nodes;
using LeapAlign.Networks.Clip;
using LeapAlign.Networks.Images;
using LeapAlign.Networks.Tests.Diffusion;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.TextAndImage;

/// <summary>Folders of open_clip: the network against open_clip, outputs and gradients, and what a wrong folder says.</summary>
public sealed class OpenClipTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("leapalign-open-clip-");

    private static string Recorded => Repository.Fixture("open-clip");

    [Fact]
    public void The_model_agrees_with_the_reference()
    {
        using var scope = NewDisposeScope();
        var reference = new ReferenceCase("open-clip");
        using var weights = new WeightSet();
        var network = Load(weights);
        weights.SetTrained(true);
        weights.Refresh();
        var pixels = reference.Input("pixels");
        var image = network.ImageFeatures(pixels);
        var text = network.TextFeatures(reference.Recorded("in.ids"));
        var cosine = (image * text).sum(-1);
        Agreement.Values(image, reference.Recorded("out.image"), "image");
        Agreement.Values(text, reference.Recorded("out.text"), "text");
        Agreement.Values(cosine, reference.Recorded("out.cosine"), "cosine");
        cosine.backward([reference.Recorded("upstream")]);
        Agreement.Gradient(pixels.grad, reference.Recorded("grad.in.pixels"), reference.Recorded("grad.in.pixels").norm().item<float>(), "pixels");
        CompareNorms(weights.Parameters.ToDictionary(static weight => weight.Name, static weight => weight.Master.grad));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Layers_that_are_computed_again_give_the_same_gradient(int layers)
    {
        using var scope = NewDisposeScope();
        var reference = new ReferenceCase("open-clip");
        Tensor Gradient(int layersPerCheckpoint)
        {
            using var weights = new WeightSet();
            var network = Load(weights, layersPerCheckpoint);
            var pixels = reference.Input("pixels");
            network.ImageFeatures(pixels).square().mul(arange(1, 1 + reference.Recorded("out.image").shape[1])).sum().backward();
            return pixels.grad!;
        }
        Assert.Equal(Gradient(0).data<float>().ToArray(), Gradient(layers).data<float>().ToArray());
    }

    [Fact]
    public void A_mapped_file_gives_the_same_features_and_is_not_copied()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var reference = new ReferenceCase("open-clip");
        Tensor Features(WeightKeeping keeping)
        {
            using var weights = new WeightSet();
            return Load(weights, keeping: keeping).ImageFeatures(reference.Recorded("in.pixels"));
        }
        Assert.Equal(Features(WeightKeeping.Owned).data<float>().ToArray(), Features(WeightKeeping.Mapped).data<float>().ToArray());
    }

    [Theory]
    [InlineData("visual.transformer.resblocks.0.attn.in_proj_weight")]
    [InlineData("text_projection")]
    public void A_tensor_that_is_missing_is_named_as_the_file_names_it(string name)
    {
        var fault = FaultOf(tensors => tensors.Remove(name));
        Assert.Equal(FaultCodes.TensorMismatch, fault.Code);
        Assert.Contains($"'{name}' is missing", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_of_another_shape_or_another_tower_is_named()
    {
        var turned = FaultOf(static tensors => tensors["visual.proj"] = tensors["visual.proj"].t().contiguous());
        Assert.Equal(FaultCodes.ShapeMismatch, turned.Code);
        Assert.Contains("'visual.proj'", turned.Message, StringComparison.Ordinal);
        var more = FaultOf(static tensors => tensors["visual.trunk.norm.weight"] = zeros(3));
        Assert.Equal(FaultCodes.TensorMismatch, more.Code);
        Assert.Contains("'visual.trunk.norm.weight' is not part of this model", more.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{}""", PictureFit.Cover)]
    [InlineData("""{ "resize_mode": "longest", "size": [28, 28] }""", PictureFit.Contain)]
    [InlineData("""{ "resize_mode": "squash", "interpolation": "bilinear", "size": 28 }""", PictureFit.Stretch)]
    public void Pictures_are_prepared_as_the_file_says(string pictures, PictureFit fit)
    {
        var config = Config(pictures);
        Assert.Equal(fit, config.Pictures.Fit);
        Assert.Equal(fit == PictureFit.Stretch ? ResizeFilter.Bilinear : ResizeFilter.Bicubic, config.Pictures.Filter);
        using var scope = NewDisposeScope();
        var images = rand(1, 3, 40, 59, dtype: float64);
        var prepared = (config.Pictures with { Mean = [0, 0, 0], Deviation = [1, 1, 1] }).Prepare(images);
        var expected = fit switch
        {
            PictureFit.Stretch => Resize.Apply(images, 28, 28, ResizeFilter.Bilinear),
            // 40 · 28 / 59 is 18.98; the odd pixel of 28 - 19 is below.
            PictureFit.Contain => cat([zeros(1, 3, 4, 28, dtype: float64), Resize.Apply(images, 19, 28, ResizeFilter.Bicubic), zeros(1, 3, 5, 28, dtype: float64)], 2),
            // 59 · 28 / 40 is 41, and half of 41 - 28 is 6.5, which goes to the even number.
            _ => Resize.Apply(images, 28, 41, ResizeFilter.Bicubic).narrow(3, 6, 28),
        };
        Agreement.Values(prepared, expected, "pictures", tolerance: 1e-14);
    }

    [Fact]
    public void Defaults_are_those_of_open_clip()
    {
        var config = Config("{}", """{ "embed_dim": 8, "quick_gelu": true, "vision_cfg": { "patch_size": 32, "mlp_ratio": 4.9231 }, "text_cfg": {} }""").Model;
        Assert.Equal((768, 12, 12, (int)(768 * 4.9231)), (config.Vision.Transformer.Width, config.Vision.Transformer.Layers, config.Vision.Transformer.Heads, config.Vision.Transformer.Intermediate));
        Assert.Equal((512, 8, 77, 49408, 8), (config.Text.Transformer.Width, config.Text.Transformer.Heads, config.Text.Positions, config.Text.Vocabulary, config.Text.Projection));
        using var scope = NewDisposeScope();
        Agreement.Values(config.Text.Transformer.Activation(tensor(0.7)), tensor(0.7) * tensor(0.7 * 1.702).sigmoid(), "quick");
    }

    [Theory]
    [InlineData("""{ "embed_dim": 8, "scale": 2, "vision_cfg": {}, "text_cfg": {} }""", "model_cfg.scale", "open_clip refuses")]
    [InlineData("""{ "embed_dim": 8, "vision_cfg": { "heads": 2 }, "text_cfg": {} }""", "model_cfg.vision_cfg.heads", "open_clip refuses")]
    [InlineData("""{ "embed_dim": 8, "vision_cfg": {}, "text_cfg": { "head_width": 64 } }""", "model_cfg.text_cfg.head_width", "open_clip refuses")]
    [InlineData("""{ "embed_dim": 8, "vision_cfg": { "block_type": "custom" }, "text_cfg": {} }""", "model_cfg.vision_cfg.block_type", "custom")]
    [InlineData("""{ "embed_dim": 8, "vision_cfg": {}, "text_cfg": { "scaled_cosine_attn": true } }""", "model_cfg.text_cfg.scaled_cosine_attn", "only false")]
    public void What_the_library_refuses_or_computes_otherwise_is_a_fault(string model, string key, string word)
    {
        var path = Path.Combine(_folder.FullName, OpenClipConfig.File);
        File.WriteAllText(path, $$"""{ "model_cfg": {{model}} }""");
        var fault = OpenClipConfig.Read(path).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal((FaultCodes.WrongModelClass, key), (fault?.Code, fault?.Place?.Key));
        Assert.Contains(word, fault!.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static OpenClipConfig ConfigOfRecorded() => Recording.Require(OpenClipConfig.Read(Path.Combine(Recorded, OpenClipConfig.File)));

    private static ClipModel Load(WeightSet weights, int layersPerCheckpoint = 0, WeightKeeping keeping = WeightKeeping.Owned)
    {
        var config = ConfigOfRecorded().Model;
        var network = new ClipModel(config, weights.Root, layersPerCheckpoint);
        using var files = Recording.Require(SafetensorsFolder.Open(Recorded, OpenClipWeights.Stem));
        Recording.Require(weights.Load(Recording.Require(OpenClipWeights.Of(files, config)), CPU, float32, keeping: keeping));
        return network;
    }

    // By open_clip's names: queries, keys and values are one tensor there.
    private static void CompareNorms(Dictionary<string, Tensor?> gradients)
    {
        using var norms = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Recorded, "gradient-norms.json")));
        var recorded = norms.RootElement.EnumerateObject().ToDictionary(static entry => entry.Name, static entry => entry.Value.GetDouble());
        var squares = new Dictionary<string, double>();
        foreach (var (name, gradient) in gradients)
        {
            if (gradient is null) continue;
            var file = OpenName(name);
            squares[file] = squares.GetValueOrDefault(file) + gradient.to(float64).square().sum().item<double>();
        }
        Assert.Empty(recorded.Keys.Except(squares.Keys));
        foreach (var (name, square) in squares) Agreement.GradientNorm(Math.Sqrt(square), recorded.GetValueOrDefault(name), recorded.Values.Max(), name);
    }

    private static string OpenName(string name)
    {
        (string Own, string Open)[] words =
        [
            ("vision_model.embeddings.class_embedding", "visual.class_embedding"), ("vision_model.embeddings.patch_embedding.weight", "visual.conv1.weight"),
            ("vision_model.embeddings.position_embedding.weight", "visual.positional_embedding"), ("vision_model.pre_layrnorm", "visual.ln_pre"),
            ("vision_model.post_layernorm", "visual.ln_post"), ("visual_projection.weight", "visual.proj"), ("vision_model.encoder.layers", "visual.transformer.resblocks"),
            ("text_model.embeddings.token_embedding", "token_embedding"), ("text_model.embeddings.position_embedding.weight", "positional_embedding"),
            ("text_model.final_layer_norm", "ln_final"), ("text_projection.weight", "text_projection"), ("text_model.encoder.layers", "transformer.resblocks"),
            ("layer_norm1", "ln_1"), ("layer_norm2", "ln_2"), ("mlp.fc1", "mlp.c_fc"), ("mlp.fc2", "mlp.c_proj"), ("self_attn.out_proj", "attn.out_proj"),
            ("self_attn.q_proj.", "attn.in_proj_"), ("self_attn.k_proj.", "attn.in_proj_"), ("self_attn.v_proj.", "attn.in_proj_"),
        ];
        return words.Aggregate(name, static (name, word) => name.Replace(word.Own, word.Open, StringComparison.Ordinal));
    }

    private OpenClipConfig Config(string pictures, string? model = null)
    {
        var path = Path.Combine(_folder.FullName, OpenClipConfig.File);
        model ??= """{ "embed_dim": 8, "vision_cfg": { "image_size": 28, "patch_size": 7 }, "text_cfg": {} }""";
        File.WriteAllText(path, new JsonObject { ["model_cfg"] = JsonNode.Parse(model), ["preprocess_cfg"] = JsonNode.Parse(pictures) }.ToJsonString());
        return Recording.Require(OpenClipConfig.Read(path));
    }

    private Fault FaultOf(Action<Dictionary<string, Tensor>> change)
    {
        using var scope = NewDisposeScope();
        var config = ConfigOfRecorded().Model;
        var path = Path.Combine(_folder.FullName, $"{Path.GetRandomFileName()}.safetensors");
        var tensors = new Dictionary<string, Tensor>();
        using (var file = Recording.Require(SafetensorsFile.Open(Path.Combine(Recorded, $"{OpenClipWeights.Stem}.safetensors"))))
        {
            foreach (var name in file.Entries.Keys) tensors[name] = Recording.Require(file.Read(name));
        }
        change(tensors);
        Recording.Require(SafetensorsWriter.Write(path, [.. tensors.Select(static pair => new TensorToWrite(pair.Key, pair.Value, pair.Value.dtype))], new Dictionary<string, string>()));
        using var changed = Recording.Require(SafetensorsFile.Open(path));
        return OpenClipWeights.Of(changed, config).Match(static _ => throw new InvalidOperationException("it was taken"), static fault => fault);
    }
}
