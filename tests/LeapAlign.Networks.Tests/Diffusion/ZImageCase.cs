using LeapAlign.Networks.Weights;
using LeapAlign.Networks.ZImage;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Diffusion;

/// <summary>A recorded Z-Image transformer: its network, and the inputs under which it was recorded.</summary>
internal sealed class ZImageCase
{
    public const string Name = "z-image";

    public ZImageCase(WeightSet weights, ScalarType? stored = null, int blocksPerCheckpoint = 0)
    {
        Reference = new ReferenceCase(Name);
        Config = Recording.Require(ZImageConfig.Read(Reference.ConfigPath));
        Network = new ZImageTransformer(Config, weights.Root, blocksPerCheckpoint);
        Recording.Require(weights.Load(Reference.Weights, CPU, stored ?? float32));
        Tensors = ((string[])["latents", "context", "time"]).ToDictionary(static input => input, Reference.Input);
        Inputs = new ZImageInputs
        {
            Latents = Tensors["latents"],
            Context = Tensors["context"],
            Time = Tensors["time"],
            Lengths = [.. Reference.Recorded("in.lengths").data<long>().Select(static length => (int)length)],
        };
    }

    public ReferenceCase Reference { get; }

    public ZImageConfig Config { get; }

    public ZImageTransformer Network { get; }

    /// <summary>What gradients were recorded for, ready for gradients.</summary>
    public IReadOnlyDictionary<string, Tensor> Tensors { get; }

    public ZImageInputs Inputs { get; }
}
