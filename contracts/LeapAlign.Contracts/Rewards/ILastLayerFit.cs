using static TorchSharp.torch;

namespace LeapAlign.Contracts.Rewards;

/// <summary>A fit whose scores are linear in what goes into its last layer, so that this layer can be solved for instead of learnt.</summary>
public interface ILastLayerFit : IRewardFit
{
    /// <summary>What goes into the last layer.</summary>
    /// <param name="features">[B, n].</param>
    /// <param name="sigmas">One noise level for each.</param>
    /// <returns>[B, m], fp32, without gradient.</returns>
    Tensor LastInputs(Tensor features, IReadOnlyList<double> sigmas);

    /// <summary>Puts a last layer in the place of the one that is there.</summary>
    /// <param name="weights">[m]: with the intercept, the score after <see cref="FitTargets.Offset"/> in units of <see cref="FitTargets.Scale"/>.</param>
    /// <param name="intercept">What is added.</param>
    void SetLastLayer(Tensor weights, double intercept);
}
