using LeapAlign.Contracts.Flow;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Models;

/// <summary>
/// A text-to-image model that predicts the velocity of a rectified flow in a latent space. Its trained weights are fp32 masters; the networks compute
/// in the precision of the run.
/// </summary>
public interface IModel
{
    /// <summary>The trained weights, in a fixed order: fp32, with gradients enabled.</summary>
    IReadOnlyList<NamedTensor> Parameters { get; }

    /// <summary>How the model's own scheduler spaces noise levels.</summary>
    FlowScheduling Scheduling { get; }

    /// <summary>The picture size that the model was made for, in pixels.</summary>
    ImageSize NativeSize { get; }

    /// <summary>The shape of one sample's latents, without the batch dimension: [C, h, w].</summary>
    /// <returns>A fault when the size does not fit the model's patches.</returns>
    Result<long[]> LatentShape(ImageSize size);

    /// <summary>Encodes captions, without gradient. Repeated captions come from a bounded cache.</summary>
    /// <param name="captions">One caption per sample.</param>
    /// <param name="guidance">How strongly they steer.</param>
    /// <returns>What <see cref="Velocity"/> needs to know; the caller disposes it.</returns>
    Conditioning Encode(IReadOnlyList<string> captions, Guidance guidance);

    /// <summary>The guided velocity, with gradient when gradients are enabled.</summary>
    /// <param name="latents">[B, C, h, w], fp32.</param>
    /// <param name="sigmas">One noise level in [0, 1] for all samples, or one for each of the B.</param>
    /// <param name="conditioning">For the same B samples.</param>
    /// <returns>[B, C, h, w], fp32. A level that all samples share gives the same bits however it is written.</returns>
    Tensor Velocity(Tensor latents, IReadOnlyList<double> sigmas, Conditioning conditioning);

    /// <summary>Decodes latents into pictures, with gradient when gradients are enabled.</summary>
    /// <param name="latents">[B, C, h, w], fp32.</param>
    /// <returns>[B, 3, H, W], fp32, clamped to [0, 1].</returns>
    Tensor Decode(Tensor latents);

    /// <summary>Encodes pictures into latents, without gradient: the mean of the encoder's distribution.</summary>
    /// <param name="images">[B, 3, H, W], fp32 in [0, 1], of a size that fits the model.</param>
    /// <returns>[B, C, h, w], fp32, scaled as the diffusion model sees them.</returns>
    /// <exception cref="FaultException">The model folder has no encoder.</exception>
    Tensor Encode(Tensor images);

    /// <summary>Takes changed <see cref="Parameters"/> over into the networks. Called after every optimizer step.</summary>
    void Refresh();

    /// <summary>Computes with other weights until the returned object is disposed.</summary>
    /// <param name="weights">One tensor for each of <see cref="Parameters"/>, in order.</param>
    IDisposable Use(IReadOnlyList<Tensor> weights);

    /// <summary>
    /// Checks what <see cref="Export"/> needs beside the disk that it writes to: that every file it copies is there and can be read. Called before the first step, so
    /// that no run is trained to its end and then lost; nothing is written. It should share its list of files with the export, so that the two cannot disagree.
    /// </summary>
    /// <param name="type">As that of <see cref="Export"/>.</param>
    /// <returns>
    /// The bytes that an export takes on the disk, or the fault with which it would end. Null, unless a model knows better, says that only an export can tell: the host
    /// then exports once before the first step and removes what was written.
    /// </returns>
    Result<long?> CheckExport(ScalarType? type) => Result.Ok<long?>(null);

    /// <summary>Writes a complete model folder that the model's own library opens.</summary>
    /// <param name="folder">Written whole or not at all; one that is there is replaced.</param>
    /// <param name="weights">One tensor for each of <see cref="Parameters"/>, in order.</param>
    /// <param name="type">The precision of the trained weights in the file; null keeps that of the source.</param>
    Result<Unit> Export(string folder, IReadOnlyList<Tensor> weights, ScalarType? type);
}
