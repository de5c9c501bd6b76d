using static TorchSharp.torch;

namespace LeapAlign.Contracts.Flow;

/// <summary>
/// The velocity <c>v = dx/dσ</c> that the model predicts, with conditioning and guidance applied. Samplers call it, algorithms decorate it: one that needs
/// gradients at a step evaluates there with them and hands a detached velocity back to the sampler.
/// </summary>
/// <param name="latents">State at the step, [B, C, h, w] or packed [B, L, C].</param>
/// <param name="step">The step of the schedule, 0 ≤ step &lt; N.</param>
/// <returns>The velocity, in the shape and type of <paramref name="latents"/>.</returns>
public delegate Tensor Velocity(Tensor latents, int step);
