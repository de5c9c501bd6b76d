using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Estimators;

/// <summary>
/// A differential operator in D dimensions, <c>Σ_i L_i u</c>, by some of its dimensions (Hu, Shukla, Karniadakis and Kawaguchi 2023, arXiv 2307.12306): the terms of a set I that is drawn without
/// replacement stand for all, times <c>D / |I|</c>. Each term costs a backward of its own, so that time and memory are those of |I| dimensions.
/// </summary>
public static class SampledDimensions
{
    /// <summary>Draws dimensions: every set of that size is equally likely (Floyd's algorithm, which takes no longer in more dimensions).</summary>
    /// <param name="random">Where draws come from.</param>
    /// <param name="dimensions">D.</param>
    /// <param name="count">|I|, 1 ≤ |I| ≤ D.</param>
    /// <returns>I, rising.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There are not so many.</exception>
    public static int[] Draw(KeyedRandom random, int dimensions, int count)
    {
        ArgumentNullException.ThrowIfNull(random);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, dimensions);
        HashSet<int> drawn = [];
        for (var last = dimensions - count; last < dimensions; last++)
        {
            var one = random.NextInt(0, last + 1);
            if (!drawn.Add(one)) drawn.Add(last);
        }
        return [.. drawn.Order()];
    }

    /// <summary><c>(D / |I|) Σ_{i∈I} L_i u</c>, whose mean over all sets is the whole sum.</summary>
    /// <param name="dimensions">D.</param>
    /// <param name="sampled">I.</param>
    /// <param name="term">L_i u, [B]; what it does for one dimension only is done for those of I alone.</param>
    /// <returns>[B].</returns>
    public static Tensor Estimate(int dimensions, IReadOnlyList<int> sampled, Func<int, Tensor> term)
    {
        ArgumentNullException.ThrowIfNull(sampled);
        return sampled.Select(term).Aggregate(static (sum, next) => sum + next) * ((double)dimensions / sampled.Count);
    }

    /// <summary><c>∂²u / ∂x_i²</c>: the gradient of a coordinate of the gradient, by one backward.</summary>
    /// <param name="gradient">∂u/∂x, [B, D], with a graph (<c>create_graph</c>, and <c>retain_graph</c>, which does not follow from it here).</param>
    /// <param name="points">x, [B, D].</param>
    /// <param name="dimension">i.</param>
    /// <param name="differentiable">Whether the result has a graph, which a loss of it needs.</param>
    /// <returns>[B].</returns>
    public static Tensor SecondDerivative(Tensor gradient, Tensor points, int dimension, bool differentiable)
    {
        ArgumentNullException.ThrowIfNull(gradient);
        ArgumentNullException.ThrowIfNull(points);
        // A gradient that does not depend on x, of a linear function, has no graph that autograd could walk.
        if (!gradient.requires_grad) return zeros_like(points.select(1, dimension));
        var derivative = autograd.grad([gradient.select(1, dimension).sum()], [points], retain_graph: true, create_graph: differentiable, allow_unused: true)[0];
        return derivative is { IsInvalid: false } ? derivative.select(1, dimension) : zeros_like(points.select(1, dimension));
    }

    /// <summary>
    /// <c>mean_B 2 sg(r) q</c>: what has the gradient of <c>mean r²</c> where r and q are independent estimates of one residual, or r is exact. With r over all dimensions this is algorithm 1 of the paper,
    /// with independent sets algorithm 2; both are unbiased. With the same set in both, algorithm 3, it is biased by the variance of the estimate.
    /// </summary>
    /// <param name="residual">r, [B]; a constant here.</param>
    /// <param name="estimate">q, [B].</param>
    public static Tensor ResidualLoss(Tensor residual, Tensor estimate)
    {
        ArgumentNullException.ThrowIfNull(residual);
        return (residual.detach() * estimate * 2).mean();
    }
}
