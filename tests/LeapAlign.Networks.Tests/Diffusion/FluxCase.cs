using LeapAlign.Networks.Flux;
using LeapAlign.Networks.Weights;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Diffusion;

/// <summary>A recorded FLUX transformer: its network, and the inputs under which it was recorded.</summary>
internal sealed class FluxCase
{
    public const string Dev = "flux-dev";
    public const string Schnell = "flux-schnell";

    public FluxCase(string name, WeightSet weights, ScalarType? stored = null)
    {
        Reference = new ReferenceCase(name);
        Config = Recording.Require(FluxConfig.Read(Reference.ConfigPath));
        Network = new FluxTransformer(Config, weights.Root);
        Recording.Require(weights.Load(Reference.Weights, CPU, stored ?? float32));
        string[] names = ["tokens", "context", "pooled", "sigma", .. (string[])(Config.EmbedsGuidance ? ["guidance"] : [])];
        Tensors = names.ToDictionary(static input => input, Reference.Input);
        var places = Reference.Open("ids.safetensors");
        Inputs = new FluxInputs
        {
            Tokens = Tensors["tokens"],
            Context = Tensors["context"],
            Pooled = Tensors["pooled"],
            Sigma = Tensors["sigma"],
            Guidance = Tensors.GetValueOrDefault("guidance"),
            ImagePlaces = Recording.Require(places.Read("img_ids")),
            TextPlaces = Recording.Require(places.Read("txt_ids")),
        };
    }

    public ReferenceCase Reference { get; }

    public FluxConfig Config { get; }

    public FluxTransformer Network { get; }

    /// <summary>What gradients were recorded for, ready for gradients.</summary>
    public IReadOnlyDictionary<string, Tensor> Tensors { get; }

    public FluxInputs Inputs { get; }
}
