using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Estimators;

/// <summary>An estimate of <c>Σ_i ∂v_i / ∂x_i</c> for each of B samples.</summary>
/// <param name="Value">[B], fp64; with a graph where that was asked for.</param>
/// <param name="Variance">An unbiased estimate of the variance of <paramref name="Value"/>, [B], fp64, without gradient; not a number where one product tells nothing of it, 0 where nothing is left to chance.</param>
/// <param name="Products">How many products with the transposed Jacobian it took, each a backward.</param>
public sealed record DivergenceEstimate(Tensor Value, Tensor Variance, int Products);

/// <summary>The divergence of a velocity, by products with its transposed Jacobian: libtorch has no forward mode here.</summary>
public static class Divergence
{
    /// <summary>Estimates the divergence.</summary>
    /// <param name="velocity">v, [B, ...], with the graph of <paramref name="point"/>; a sample must depend on its own point alone. The graph is kept.</param>
    /// <param name="point">x, [B, ...], that requires a gradient.</param>
    /// <param name="probes">Which products are taken.</param>
    /// <param name="keys">Of the draws of each sample, B: independent of what else is in the batch.</param>
    /// <param name="differentiable">Whether the value has a graph, for losses of entropy and likelihood.</param>
    public static DivergenceEstimate Of(Tensor velocity, Tensor point, DivergenceProbes probes, IReadOnlyList<RandomKey> keys, bool differentiable = false)
    {
        ArgumentNullException.ThrowIfNull(velocity);
        ArgumentNullException.ThrowIfNull(point);
        ArgumentNullException.ThrowIfNull(probes);
        ArgumentNullException.ThrowIfNull(keys);
        using var scope = NewDisposeScope();
        int[][] chosen = [.. keys.Select(probes.Choose)];
        // [k, m, B]: blocks, draws in each.
        List<Tensor> blocks = [];
        for (var block = 0; block < probes.Sampled; block++)
        {
            List<Tensor> draws = [];
            for (var draw = 0; draw < probes.Draws; draw++)
            {
                using var inner = NewDisposeScope();
                var number = (block * probes.Draws) + draw;
                var probe = stack(keys.Select((key, sample) => probes.Probe(key, chosen[sample][block], number, point.device))).to(velocity.dtype).view(velocity.shape);
                draws.Add(Quadratic(velocity, point, probe, differentiable).MoveToOuterDisposeScope());
            }
            blocks.Add(stack(draws));
        }
        var all = stack(blocks);
        return new DivergenceEstimate((all.mean([0, 1]) * probes.Count).MoveToOuterDisposeScope(), Variance(all.detach(), probes).MoveToOuterDisposeScope(), probes.Products);
    }

    // zᵀ J z of each sample, [B].
    private static Tensor Quadratic(Tensor velocity, Tensor point, Tensor probe, bool differentiable)
    {
        // autograd ends the process where there is nothing to walk.
        var product = velocity.requires_grad ? autograd.grad([velocity], [point], [probe], retain_graph: true, create_graph: differentiable, allow_unused: true)[0] : null;
        return product is { IsInvalid: false }
            ? (product.flatten(1).to(ScalarType.Float64) * probe.flatten(1).to(ScalarType.Float64)).sum(1)
            : zeros(point.shape[0], dtype: ScalarType.Float64, device: point.device);
    }

    // Of a mean in two stages (Cochran 1977, section 10.3), times n²: what differs between blocks of which some are left out, and what differs within.
    private static Tensor Variance(Tensor all, DivergenceProbes probes)
    {
        var (n, k, m) = ((double)probes.Count, probes.Sampled, probes.Draws);
        var variance = zeros(all.shape[2], dtype: ScalarType.Float64, device: all.device);
        if (k < probes.Count) variance = variance + (k == 1 ? full_like(variance, double.NaN) : all.mean([1]).var(0, unbiased: true) * (n * n * (1 - (k / n)) / k));
        // One number in a block that has one number is all of it.
        if (probes.Count == probes.Dimensions) return variance;
        return variance + (m == 1 ? full_like(variance, double.NaN) : all.var(1, unbiased: true).sum([0]) * (n / k / m));
    }
}
