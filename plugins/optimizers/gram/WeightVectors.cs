using LeapAlign.Contracts.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Gram;

/// <summary>Vectors over all weights, in one tensor for each parameter.</summary>
internal static class WeightVectors
{
    /// <summary>Moves weights along a vector.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="direction">One for each parameter.</param>
    /// <param name="by">The factor of the vector.</param>
    public static void Move(this ParameterSet parameters, IReadOnlyList<Tensor> direction, double by)
    {
        using var _ = no_grad();
        using TorchSharp.Scalar factor = by;
        foreach (var (parameter, part) in parameters.Zip(direction)) parameter.Value.add_(part, factor);
    }
}
