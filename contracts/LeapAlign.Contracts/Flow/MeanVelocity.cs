using static TorchSharp.torch;

namespace LeapAlign.Contracts.Flow;

/// <summary>
/// The mean velocity <c>u(x, σ_from, σ_to)</c> of a flow map over a jump, with conditioning and guidance applied: <c>x + (σ_to − σ_from) u</c> is the state at σ_to (Boffi and others 2025, arXiv 2505.18825).
/// Samplers of maps call it as others call <see cref="Velocity"/>.
/// </summary>
/// <param name="latents">State at σ_from, [B, C, h, w] or packed [B, L, C].</param>
/// <param name="from">The step of the schedule that it jumps from.</param>
/// <param name="to">The step that it jumps to, from &lt; to ≤ N.</param>
/// <returns>The mean velocity, in the shape and type of <paramref name="latents"/>.</returns>
public delegate Tensor MeanVelocity(Tensor latents, int from, int to);
