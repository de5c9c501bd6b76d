using static TorchSharp.torch;

namespace LeapAlign.Methods.Leaps;

/// <summary>How much a sample counts whose leaps met the trajectory well (LeapAlign, arXiv 2604.15311).</summary>
public static class TrajectorySimilarity
{
    /// <summary><c>1 / (max(d_j, τ) + max(d_0, τ))</c>, at most 1/(2τ).</summary>
    /// <param name="distanceJ">d_j, without gradient, any shape.</param>
    /// <param name="distance0">d_0, the same shape.</param>
    /// <param name="tau">τ, positive.</param>
    /// <returns>The weights, the shape of the distances.</returns>
    public static Tensor Weight(Tensor distanceJ, Tensor distance0, double tau)
    {
        ArgumentNullException.ThrowIfNull(distanceJ);
        ArgumentNullException.ThrowIfNull(distance0);
        return (distanceJ.clamp_min(tau) + distance0.clamp_min(tau)).reciprocal();
    }
}
