using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Weights;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Models;

/// <summary>
/// A text-to-image model that predicts the velocity of a rectified flow in a latent space. Its trained weights are fp32 masters; the networks compute
/// in the precision of the run. A model that is made frozen (<see cref="Plugins.PartContext.IsFrozen"/>) has no trained weights: an adapter trains beside
/// them, or it is a teacher. (The second time of a flow map is trained all the same, see <see cref="IFlowMapModel"/>.)
/// </summary>
public interface IModel : ITrainable
{
    /// <summary>How the model's own scheduler spaces noise levels, at the picture size that the model was made for.</summary>
    FlowScheduling Scheduling { get; }

    /// <summary>The picture size that the model was made for, in pixels.</summary>
    ImageSize NativeSize { get; }

    /// <summary>How guidance reaches the velocity.</summary>
    GuidanceForm GuidanceForm { get; }

    /// <summary>
    /// The linear layers that adapters may be attached to, by their names in the checkpoint. Those whose output nothing reads are <see cref="SiteRole.Unread"/>: they would learn nothing.
    /// </summary>
    IReadOnlyList<AdapterSite> Sites => [];

    /// <summary>The latents of pictures of a size.</summary>
    /// <returns>A fault when the size does not fit the model's patches.</returns>
    Result<LatentSpace> Latents(ImageSize size);

    /// <summary>Encodes captions, without gradient. Repeated captions come from a bounded cache.</summary>
    /// <param name="request">The captions, how strongly they steer, and the size of the pictures.</param>
    /// <returns>What <see cref="Velocity"/> needs to know; the caller disposes it.</returns>
    Conditioning Encode(ConditioningRequest request);

    /// <summary>The guided velocity, with gradient when gradients are enabled.</summary>
    /// <param name="latents">[B, C, ...], fp32.</param>
    /// <param name="sigmas">One noise level in [0, 1] for all samples, or one for each of the B.</param>
    /// <param name="conditioning">For the same B samples.</param>
    /// <returns>The shape of the latents, fp32. A level that all samples share gives the same bits however it is written.</returns>
    Tensor Velocity(Tensor latents, IReadOnlyList<double> sigmas, Conditioning conditioning);

    /// <summary>Decodes latents into pictures, with gradient when gradients are enabled.</summary>
    /// <param name="latents">[B, C, ...], fp32.</param>
    /// <returns>[B, 3, H, W], fp32, clamped to [0, 1].</returns>
    Tensor Decode(Tensor latents);

    /// <summary>Encodes pictures into latents, without gradient: the mean of the encoder's distribution.</summary>
    /// <param name="images">[B, 3, H, W], fp32 in [0, 1], of a size that fits the model.</param>
    /// <returns>[B, C, ...], fp32, scaled as the diffusion model sees them.</returns>
    /// <exception cref="FaultException">The model folder has no encoder.</exception>
    Tensor Encode(Tensor images);

    /// <summary>
    /// Checks what <see cref="Export"/> needs beside the disk that it writes to: that every file it copies is there and can be read. Called before the first step, so
    /// that no run is trained to its end and then lost; nothing is written. It should share its list of files with the export, so that the two cannot disagree.
    /// </summary>
    /// <param name="export">As that of <see cref="Export"/>; its folder and tensors are not used.</param>
    /// <returns>
    /// The bytes that an export takes on the disk, or the fault with which it would end. Null, unless a model knows better, says that only an export can tell: the host
    /// then exports once before the first step and removes what was written.
    /// </returns>
    Result<long?> CheckExport(ExportRequest export) => Result.Ok<long?>(null);

    /// <summary>Writes a complete model folder that the model's own library opens.</summary>
    /// <param name="export">Where, in which precision, with which weights.</param>
    Result<Unit> Export(ExportRequest export);
}
