using System.Text.Json;
using LeapAlign.Networks.Clip;
using LeapAlign.Networks.T5;
using LeapAlign.Networks.Tokenizers;
using LeapAlign.Networks.Weights;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.TextAndImage;

/// <summary>The two text encoders of a recorded FLUX pipeline, from captions to features: CLIP without projection, T5 without mask.</summary>
public class FluxTextTests
{
    private static readonly IWeightSource s_recorded = Recording.Require(SafetensorsFile.Open(Repository.Fixture("pipeline-flux", "flux.safetensors")));

    [Fact]
    public void Pooled_features_are_the_final_state_at_the_end_of_the_caption()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var weights = new WeightSet();
        var config = Recording.Require(ClipTextConfig.Read(Model("text_encoder", "config.json")));
        Assert.Null(config.Projection);
        var network = new ClipTextEncoder(config, weights.Root);
        Recording.Require(weights.Load(Weights("text_encoder"), CPU, float32, ClipTextEncoder.DeclaredName));
        var tokenizer = Recording.Require(ClipTokenizer.Load(Model("tokenizer")));
        var pooled = network.Forward(Ids(tokenizer, tokenizer.MaxLength)).Pooled;
        Agreement.Values(pooled, Recording.Require(s_recorded.Read("pooled")), "pooled");
    }

    [Fact]
    public void Context_is_the_final_state_of_T5()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var weights = new WeightSet();
        var network = new T5Encoder(Recording.Require(T5Config.Read(Model("text_encoder_2", "config.json"))), weights.Root);
        Recording.Require(weights.Load(Weights("text_encoder_2"), CPU, float32, T5Encoder.DeclaredName));
        var context = Recording.Require(s_recorded.Read("context"));
        Agreement.Values(network.Forward(Ids(Recording.Require(T5Tokenizer.Load(Model("tokenizer_2"))), (int)context.shape[1])), context, "context");
    }

    private static Tensor Ids(ITextTokenizer tokenizer, int length)
    {
        using var options = JsonDocument.Parse(File.ReadAllBytes(Repository.Fixture("pipeline-flux", "flux.json")));
        return stack([.. options.RootElement.GetProperty("prompts").EnumerateArray().Select(prompt => tensor(tokenizer.Encode(prompt.GetString()!, length).Ids))]);
    }

    private static IWeightSource Weights(string component) => Recording.Require(SafetensorsFile.Open(Model(component, "model.safetensors")));

    private static string Model(params string[] parts) => Repository.Fixture(["pipeline-flux", "model", .. parts]);
}
