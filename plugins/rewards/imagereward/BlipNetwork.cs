using LeapAlign.Contracts.Plugins;
using LeapAlign.Networks.Blip;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.ImageReward;

/// <summary>The frozen towers of ImageReward and their weights.</summary>
internal sealed class BlipNetwork : IDisposable
{
    /// <summary>What the name of the weights' file begins with.</summary>
    public const string Stem = "ImageReward";

    private static readonly string[] s_unused = ["blip.vision_proj.", "blip.text_proj."];
    private readonly WeightSet _weights = new();
    private readonly ScalarType _type;
    private readonly Device _device;
    private readonly BlipVisionEncoder _vision;
    private readonly BlipTextEncoder _text;

    /// <summary>Declares the weights; no memory is used yet.</summary>
    public BlipNetwork(BlipConfig config, Device device, ScalarType type, int layersPerCheckpoint = 0)
    {
        (_device, _type) = (device, type);
        var blip = _weights.Root / "blip";
        _vision = new BlipVisionEncoder(config, blip / "visual_encoder", layersPerCheckpoint);
        _text = new BlipTextEncoder(config, blip / "text_encoder");
    }

    /// <summary>Reads the weights of a folder.</summary>
    public static Result<(BlipNetwork Network, LinearChain Head)> Open(string folder, BlipConfig config, PartContext context)
    {
        if (!File.Exists(Path.Combine(folder, $"{Stem}.safetensors")) && File.Exists(Path.Combine(folder, $"{Stem}.pt")))
            return PickledWeights.Refused(Path.Combine(folder, $"{Stem}.pt"), $"{Stem}.safetensors");
        return SafetensorsFolder.Open(folder, Stem, "model").Bind(source =>
        {
            var network = new BlipNetwork(config, context.Device, context.ComputeType, context.BlocksPerCheckpoint);
            using (source)
            {
                var towers = new SomeWeights(source, static name => !name.StartsWith("mlp.", StringComparison.Ordinal) && !s_unused.Any(unused => name.StartsWith(unused, StringComparison.Ordinal)));
                var opened =
                    from loaded in network._weights.Load(towers, new WeightHome(context.Device, context.WeightsOnHost), context.ComputeType, keeping: WeightKeeping.Mapped)
                    from head in LinearChain.Load(source, "mlp.", config.Text.Width, context.Device, context.ComputeType)
                    select (network.Prepared(), head);
                if (!opened.IsOk) network.Dispose();
                return opened;
            }
        });
    }

    /// <summary>Makes the weights without content, for shapes on the "meta" device.</summary>
    public BlipNetwork Allocate()
    {
        _weights.Allocate(_device, _type);
        return Prepared();
    }

    /// <summary>All tokens of pictures.</summary>
    /// <param name="pixels">[B, 3, S, S], normalised.</param>
    /// <returns>[B, tokens, width].</returns>
    public Tensor Tokens(Tensor pixels)
    {
        _weights.RequireFiles();
        return _vision.Forward(pixels);
    }

    /// <summary>[B, T] ids and mask beside the tokens of pictures, to [B, width].</summary>
    public Tensor Read(Tensor ids, Tensor mask, Tensor tokens) => _text.Forward(ids, mask, tokens);

    public void Dispose() => _weights.Dispose();

    private BlipNetwork Prepared()
    {
        _weights.SetTrained(false);
        _weights.ComputeIn(_type);
        return this;
    }
}
