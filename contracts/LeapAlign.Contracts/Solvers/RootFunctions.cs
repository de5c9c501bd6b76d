using static TorchSharp.torch;

namespace LeapAlign.Contracts.Solvers;

/// <summary>Functions whose roots are what optimisers and iterations solve for (Blondel et al. 2021, table 1).</summary>
public static class RootFunctions
{
    /// <summary>A scalar function of x and φ, differentiable twice.</summary>
    public delegate Tensor Scalar(Tensor solution, IReadOnlyList<Tensor> parameters);

    /// <summary>∇_x f: where an unconstrained minimum is.</summary>
    /// <param name="objective">f.</param>
    public static RootFunction Stationary(Scalar objective) => (x, parameters) => Gradient(objective, x, parameters);

    /// <summary>T(x, φ) − x: where an iteration stands still.</summary>
    /// <param name="map">T.</param>
    public static RootFunction FixedPoint(RootFunction map) => (x, parameters) => map(x, parameters) - x;

    /// <summary>prox(x − η ∇f) − x: where the proximal gradient method, or with a projection the projected one, stands still.</summary>
    /// <param name="objective">f.</param>
    /// <param name="proximal">The proximal map of η times the other term, or a projection.</param>
    /// <param name="step">η, positive; the root does not depend on it.</param>
    public static RootFunction ProximalGradient(Scalar objective, RootFunction proximal, double step = 1) =>
        (x, parameters) => proximal(x - (Gradient(objective, x, parameters) * step), parameters) - x;

    /// <summary>
    /// The conditions of Karush, Kuhn and Tucker of min f subject to g = 0 and h ≤ 0, of x, the multipliers of g and those of h in one vector: stationarity, g, and multiplier times h.
    /// </summary>
    /// <param name="objective">f.</param>
    /// <param name="variables">The numbers of x.</param>
    /// <param name="equalities">g, [p]; null for none.</param>
    /// <param name="inequalities">h, [q]; null for none.</param>
    public static RootFunction KarushKuhnTucker(Scalar objective, int variables, RootFunction? equalities = null, RootFunction? inequalities = null) => (all, parameters) =>
    {
        var x = all.narrow(0, 0, variables);
        var (equal, unequal) = (equalities?.Invoke(x, parameters), inequalities?.Invoke(x, parameters));
        var (equals, unequals) = (equal?.shape[0] ?? 0, unequal?.shape[0] ?? 0);
        var (first, second) = (all.narrow(0, variables, equals), all.narrow(0, variables + equals, unequals));
        Tensor Lagrangian(Tensor at, IReadOnlyList<Tensor> given)
        {
            var sum = objective(at, given);
            if (equalities is not null) sum = sum + (first * equalities(at, given)).sum();
            return inequalities is null ? sum : sum + (second * inequalities(at, given)).sum();
        }
        return cat([Gradient(Lagrangian, x, parameters), .. equal is null ? (Tensor[])[] : [equal], .. unequal is null ? (Tensor[])[] : [second * unequal]]);
    };

    /// <summary>The nearest point of the simplex, x ≥ 0 and Σ x = 1, with its gradient.</summary>
    /// <param name="point">[n].</param>
    public static Tensor Simplex(Tensor point)
    {
        ArgumentNullException.ThrowIfNull(point);
        var sorted = point.detach().sort(0, descending: true).Values;
        var counts = arange(1, sorted.shape[0] + 1, dtype: point.dtype, device: point.device);
        var inside = sorted.gt((sorted.cumsum(0) - 1) / counts).sum().item<long>();
        // The largest so many, by the value of the last of them.
        var kept = point.detach().ge(sorted[inside - 1]).to(point.dtype);
        return ((point - (((point * kept).sum() - 1) / kept.sum())) * kept).clamp_min(0);
    }

    private static Tensor Gradient(Scalar objective, Tensor x, IReadOnlyList<Tensor> parameters)
    {
        using var _ = enable_grad();
        var at = x.requires_grad ? x : x.detach().requires_grad_();
        var value = objective(at, parameters);
        if (!value.requires_grad) return zeros_like(x);
        var found = autograd.grad([value], [at], retain_graph: true, create_graph: true, allow_unused: true)[0];
        return found is { IsInvalid: false } ? found : zeros_like(x);
    }
}
