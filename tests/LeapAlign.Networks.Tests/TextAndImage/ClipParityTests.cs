using LeapAlign.Networks.Clip;
using LeapAlign.Networks.Tests.Diffusion;
using LeapAlign.Networks.Weights;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.TextAndImage;

/// <summary>CLIP against transformers: outputs, gradients of inputs and of every parameter.</summary>
public class ClipParityTests
{
    [Theory]
    [InlineData("clip-text-l")]
    [InlineData("clip-text-g")]
    public void Text_encoder_agrees_with_the_reference(string name)
    {
        using var scope = NewDisposeScope();
        var reference = new ReferenceCase(name);
        using var weights = new WeightSet();
        var network = new ClipTextEncoder(Recording.Require(ClipTextConfig.Read(reference.ConfigPath)), weights.Root);
        Recording.Require(weights.Load(reference.Weights, CPU, float32, ClipTextEncoder.DeclaredName));
        weights.SetTrained(true);
        weights.Refresh();
        var (penultimate, last, pooled) = network.Forward(reference.Recorded("in.ids"));
        Agreement.Values(penultimate, reference.Recorded("out.penultimate"), "penultimate");
        Agreement.Values(last, reference.Recorded("out.last"), "last");
        Agreement.Values(pooled, reference.Recorded("out.pooled"), "pooled");
        reference.CompareGradients(penultimate, weights, new Dictionary<string, Tensor>());
    }

    [Fact]
    public void Model_agrees_with_the_reference()
    {
        using var scope = NewDisposeScope();
        var reference = new ReferenceCase("clip");
        using var weights = new WeightSet();
        var network = Load(reference, weights, float32);
        weights.SetTrained(true);
        weights.Refresh();
        var pixels = reference.Input("pixels");
        var image = network.ImageFeatures(pixels);
        var text = network.TextFeatures(reference.Recorded("in.ids"));
        var cosine = (image * text).sum(-1);
        Agreement.Values(image, reference.Recorded("out.image"), "image");
        Agreement.Values(text, reference.Recorded("out.text"), "text");
        Agreement.Values(cosine, reference.Recorded("out.cosine"), "cosine");
        Agreement.Values(network.LogitScale(), reference.Recorded("out.scale"), "scale");
        reference.CompareGradients(cosine, weights, new Dictionary<string, Tensor> { ["pixels"] = pixels });
    }

    [Fact]
    public void Model_computes_in_bfloat16_and_gives_features_in_fp32()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var reference = new ReferenceCase("clip");
        using var weights = new WeightSet();
        var network = Load(reference, weights, bfloat16);
        weights.ComputeIn(bfloat16);
        var image = network.ImageFeatures(reference.Recorded("in.pixels"));
        Assert.Equal(float32, image.dtype);
        Agreement.Values(image, reference.Recorded("out.image"), "image", tolerance: 0.05);
        Agreement.Values(image.square().sum(-1), ones(image.shape[0]), "length");
        // The scale is an exponential: it must not be rounded with the other weights.
        Agreement.Values(network.LogitScale(), reference.Recorded("out.scale"), "scale");
    }

    [Fact]
    public void Text_features_end_at_the_first_end_token()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var reference = new ReferenceCase("clip");
        using var weights = new WeightSet();
        var config = Recording.Require(ClipConfig.Read(reference.ConfigPath));
        var network = Load(reference, weights, float32);
        var end = config.Text.EndToken;
        long[] prefix = [1, 2, 3, end];
        Tensor Features(params long[] ids) => network.TextFeatures(tensor(ids).unsqueeze(0));
        // What follows the end token cannot reach it; another end token is not the first.
        Agreement.Values(Features([.. prefix, 4, end, 5]), Features([.. prefix]), "features");
        var moved = (Features(1, 2, end, 3) - Features([.. prefix])).abs().max().item<float>();
        Assert.True(moved > 1e-3, $"the position of the end token has no effect ({moved})");
    }

    [Theory]
    [InlineData("clip-text-l")]
    [InlineData("clip-text-g")]
    public void Legacy_end_token_is_the_largest_id_of_the_row(string name)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var reference = new ReferenceCase(name);
        var modern = Recording.Require(ClipTextConfig.Read(reference.ConfigPath));
        var legacy = modern with { EndToken = 2 };
        Tensor Pooled(ClipTextConfig config, Tensor ids)
        {
            using var weights = new WeightSet();
            var network = new ClipTextEncoder(config, weights.Root);
            Recording.Require(weights.Load(reference.Weights, CPU, float32, ClipTextEncoder.DeclaredName));
            return network.Forward(ids).Pooled;
        }
        var recorded = reference.Recorded("in.ids");
        Agreement.Values(Pooled(legacy, recorded), reference.Recorded("out.pooled"), "pooled");
        // An id 2 before the largest id is an end token for nobody; a row's own largest id is.
        var ids = tensor(new long[] { 1, 2, 7, 3, 7, 4 }).unsqueeze(0);
        Agreement.Values(Pooled(legacy, ids), Pooled(modern with { EndToken = 7 }, ids), "pooled");
    }

    [Fact]
    public void Without_end_token_the_first_state_is_pooled()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var reference = new ReferenceCase("clip");
        using var weights = new WeightSet();
        var network = Load(reference, weights, float32);
        Agreement.Values(network.TextFeatures(tensor(new long[] { 1, 2, 3 }).unsqueeze(0)), network.TextFeatures(tensor(new long[] { 1 }).unsqueeze(0)), "features");
    }

    private static ClipModel Load(ReferenceCase reference, WeightSet weights, ScalarType type)
    {
        var network = new ClipModel(Recording.Require(ClipConfig.Read(reference.ConfigPath)), weights.Root);
        Recording.Require(weights.Load(reference.Weights, CPU, type));
        return network;
    }
}
