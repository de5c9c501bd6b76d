using static TorchSharp.torch;

namespace LeapAlign.Contracts.Optimizers;

/// <summary>
/// An optimization that divides gradients by a curvature F, symmetric and positive definite, and provides <c>inverse-curvature</c>. With the gradients g_i of what an update was made of, <c>g_iᵀ F⁻¹ g_j</c> is how much the part i of the
/// update lowers the loss j, to first order and for a rate of 1.
/// </summary>
public interface ICurvatureOptimization : IOptimization
{
    /// <summary>F⁻¹ x, with the curvature of the last update. Nothing is changed by asking.</summary>
    /// <param name="vector">x, one for each parameter, in order; null is zero.</param>
    /// <returns>One for each parameter, in the scope of the caller; null where there is no curvature yet.</returns>
    IReadOnlyList<Tensor>? InverseCurvature(IReadOnlyList<Tensor?> vector);
}
