using System.Globalization;
using LeapAlign.Networks.Clip;
using LeapAlign.Networks.Flux;
using LeapAlign.Networks.Sd3;
using LeapAlign.Networks.T5;
using LeapAlign.Networks.Vae;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Bench.OnDevice;

/// <summary>The networks against diffusers and transformers, on a device: the same recordings and tolerances as in the tests, in float32.</summary>
internal static class Parity
{
    private static readonly string[] s_sd3 = ["latents", "context", "pooled", "timestep"], s_flux = ["tokens", "context", "pooled", "sigma", "guidance"];

    private static readonly (string Name, Action<RecordedCase, WeightSet> Evaluate)[] s_networks =
    [
        ("sd3-plain", Sd3), ("sd3-dual", Sd3), ("flux-dev", Flux), ("vae", Vae), ("clip-text-l", ClipText), ("t5", T5), ("clip", Clip),
    ];

    /// <summary>Looks at each.</summary>
    public static void Run(CheckTable table, Device device)
    {
        foreach (var (name, evaluate) in s_networks)
        {
            table.Try(name, () =>
            {
                using var scope = NewDisposeScope();
                using var weights = new WeightSet();
                var recorded = new RecordedCase(Path.Combine("tests", "fixtures", name), device);
                evaluate(recorded, weights);
                table.Judge(name, recorded.Values <= 1 && recorded.Gradients <= 1, string.Create(
                    CultureInfo.InvariantCulture, $"outputs at {recorded.Values:P0} of the tolerance, gradients at {recorded.Gradients:P0}"));
            });
        }
    }

    private static void Sd3(RecordedCase recorded, WeightSet weights)
    {
        var network = new Sd3Transformer(Sd3Config.Read(recorded.ConfigPath).Required(), weights.Root);
        recorded.Load(weights);
        var inputs = s_sd3.ToDictionary(static name => name, recorded.Input);
        var velocity = network.Forward(inputs["latents"], inputs["context"], inputs["pooled"], inputs["timestep"]);
        recorded.Compare(velocity);
        recorded.Backward(velocity, weights, inputs);
    }

    private static void Flux(RecordedCase recorded, WeightSet weights)
    {
        var network = new FluxTransformer(FluxConfig.Read(recorded.ConfigPath).Required(), weights.Root);
        recorded.Load(weights);
        var inputs = s_flux.ToDictionary(static name => name, recorded.Input);
        var velocity = network.Forward(new FluxInputs
        {
            Tokens = inputs["tokens"],
            Context = inputs["context"],
            Pooled = inputs["pooled"],
            Sigma = inputs["sigma"],
            Guidance = inputs["guidance"],
            ImagePlaces = recorded.Recorded("ids.safetensors", "img_ids"),
            TextPlaces = recorded.Recorded("ids.safetensors", "txt_ids"),
        });
        recorded.Compare(velocity);
        recorded.Backward(velocity, weights, inputs);
    }

    private static void Vae(RecordedCase recorded, WeightSet weights)
    {
        var network = new Autoencoder(VaeConfig.Read(recorded.ConfigPath).Required(), weights.Root);
        recorded.Load(weights);
        var latents = recorded.Input("latents");
        var picture = network.Decoder.Decode(latents);
        recorded.Compare(picture);
        recorded.Backward(picture, weights, new Dictionary<string, Tensor> { ["latents"] = latents });
    }

    private static void ClipText(RecordedCase recorded, WeightSet weights)
    {
        var network = new ClipTextEncoder(ClipTextConfig.Read(recorded.ConfigPath).Required(), weights.Root);
        recorded.Load(weights, ClipTextEncoder.DeclaredName);
        var (penultimate, last, pooled) = network.Forward(recorded.Recorded("in.ids"));
        recorded.Compare(penultimate, "out.penultimate");
        recorded.Compare(last, "out.last");
        recorded.Compare(pooled, "out.pooled");
        recorded.Backward(penultimate, weights, new Dictionary<string, Tensor>());
    }

    private static void T5(RecordedCase recorded, WeightSet weights)
    {
        var network = new T5Encoder(T5Config.Read(recorded.ConfigPath).Required(), weights.Root);
        recorded.Load(weights, T5Encoder.DeclaredName);
        var output = network.Forward(recorded.Recorded("in.ids"));
        recorded.Compare(output);
        recorded.Backward(output, weights, new Dictionary<string, Tensor>());
    }

    private static void Clip(RecordedCase recorded, WeightSet weights)
    {
        var network = new ClipModel(ClipConfig.Read(recorded.ConfigPath).Required(), weights.Root);
        recorded.Load(weights);
        var pixels = recorded.Input("pixels");
        var image = network.ImageFeatures(pixels);
        var text = network.TextFeatures(recorded.Recorded("in.ids"));
        var cosine = (image * text).sum(-1);
        recorded.Compare(image, "out.image");
        recorded.Compare(text, "out.text");
        recorded.Compare(cosine, "out.cosine");
        recorded.Backward(cosine, weights, new Dictionary<string, Tensor> { ["pixels"] = pixels });
    }
}
