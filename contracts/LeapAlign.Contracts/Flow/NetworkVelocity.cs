using static TorchSharp.torch;

namespace LeapAlign.Contracts.Flow;

/// <summary>The velocity that the model predicts at any noise level, conditioning applied; with gradient when gradients are enabled.</summary>
/// <param name="latents">[B, C, h, w], fp32.</param>
/// <param name="sigmas">One noise level in [0, 1] for all samples, or one for each of the B.</param>
/// <returns>[B, C, h, w], fp32.</returns>
public delegate Tensor NetworkVelocity(Tensor latents, IReadOnlyList<double> sigmas);
