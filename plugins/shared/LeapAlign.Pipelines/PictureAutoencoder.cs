using LeapAlign.Contracts.Planning;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Vae;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Pipelines;

/// <summary>The component <c>vae</c> of a pipeline: pictures in [0, 1] to latents as the transformer sees them, and back. Its weights are frozen.</summary>
public sealed class PictureAutoencoder : IDisposable
{
    private readonly WeightSet _weights = new();
    private readonly Autoencoder _network;
    private WeightHome _home = CPU;

    /// <summary>Declares every weight; no memory is used yet.</summary>
    /// <param name="config">The architecture.</param>
    /// <param name="recomputes">Whether the decoder's parts are computed again in the backward instead of keeping their graphs.</param>
    public PictureAutoencoder(VaeConfig config, bool recomputes = false) => _network = new Autoencoder(config, _weights.Root, recomputes);

    /// <summary>Reads every weight.</summary>
    /// <param name="folder">The pipeline.</param>
    /// <param name="home">Where they go.</param>
    /// <param name="type">The precision of weights and arithmetic.</param>
    public Result<Unit> Load(PipelineFolder folder, WeightHome home, ScalarType type)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(home);
        _home = home;
        return folder.LoadFrozen("vae", _weights, home, type, WeightKeeping.Mapped);
    }

    /// <summary>Makes every weight without content, for shapes on the "meta" device.</summary>
    public void Allocate(Device device, ScalarType type)
    {
        _home = device;
        _weights.Allocate(device, type);
        _weights.ComputeIn(type);
    }

    /// <summary>The bytes of its weights.</summary>
    public long Bytes => _weights.Bytes;

    /// <summary>Decodes latents into pictures, with gradient when gradients are enabled.</summary>
    /// <param name="latents">[B, C, h, w], fp32.</param>
    /// <returns>[B, 3, H, W], fp32, clamped to [0, 1], where the latents are.</returns>
    public Tensor Decode(Tensor latents)
    {
        ArgumentNullException.ThrowIfNull(latents);
        _weights.RequireFiles();
        using var scope = NewDisposeScope();
        var pictures = _network.Decoder.Decode(latents.to(_home.Device)).to(ScalarType.Float32).mul(0.5).add(0.5);
        return Activation.Clamp01(pictures).to(latents.device).MoveToOuterDisposeScope();
    }

    /// <summary>The work of one decoding, of a smaller picture where the picture is large: nearly all of it grows with the area.</summary>
    /// <param name="latents">The shape of the latents, [B, C, h, w].</param>
    /// <param name="device">Where it computes.</param>
    public WorkPiece Work(long[] latents, Device device)
    {
        ArgumentNullException.ThrowIfNull(latents);
        // 256 x 256 pixels at the usual factor of 8.
        const long edge = 32;
        long[] smaller = [latents[0], latents[1], Math.Min(edge, latents[2]), Math.Min(edge, latents[3])];
        return new WorkPiece("decoder", WorkStage.Decode, () => [randn(smaller, dtype: ScalarType.Float32, device: device)], inputs => [Decode(inputs[0])])
        {
            Scale = (double)(latents[2] * latents[3]) / (smaller[2] * smaller[3]),
        };
    }

    /// <summary>Encodes pictures into latents, without gradient: the mean of the encoder's distribution.</summary>
    /// <param name="images">[B, 3, H, W], fp32 in [0, 1].</param>
    /// <returns>[B, C, h, w], fp32, shifted and scaled as the transformer sees them, where the pictures are.</returns>
    public Tensor Encode(Tensor images)
    {
        ArgumentNullException.ThrowIfNull(images);
        _weights.RequireFiles();
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        return _network.Encoder.Latents(images.to(_home.Device).mul(2).sub(1)).to(ScalarType.Float32).to(images.device).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => _weights.Dispose();
}
