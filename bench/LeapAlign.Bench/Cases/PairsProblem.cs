using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>
/// Poisson's equation in the unit ball with a solution of pairs of neighbours (Hu et al. 2023): <c>u = (1 − |x|²) Σ c_i sin w_i</c> with <c>w_i = x_i + cos x_{i+1} + x_{i+1} cos x_i</c>.
/// </summary>
/// <param name="Dimensions">D.</param>
/// <param name="Batch">Points of an update.</param>
/// <param name="Updates">Updates.</param>
/// <param name="Seed">The seed of weights and points; the factors c are the same for all.</param>
internal sealed record PairsProblem(int Dimensions, int Batch, int Updates, int Seed)
{
    private readonly Lazy<Tensor> _factors = new(() => RandomKey.OfRun(0).For("factors").Normal([Dimensions - 1], CPU).DetachFromDisposeScope());

    /// <summary>Points: a direction, and a radius that is as often in each part of 0 to 1.</summary>
    public Tensor Points(RandomKey key, int count)
    {
        var directions = key.For("direction").Normal([count, Dimensions], CPU);
        var random = key.For("radius").Open();
        var radii = tensor([.. Enumerable.Range(0, count).Select(_ => (float)random.NextDouble())]).unsqueeze(1);
        return directions / directions.norm(1, keepdim: true) * radii;
    }

    /// <summary>u.</summary>
    public Tensor Solution(Tensor x) => (1 - x.square().sum([1])) * (Factors(x) * Phase(x).sin()).sum([1]);

    /// <summary>Δu, by hand.</summary>
    public Tensor Laplacian(Tensor x)
    {
        var (first, second) = Pair(x);
        var (phase, factors) = (Phase(x), Factors(x));
        var (along, across) = (1 - (second * first.sin()), first.cos() - second.sin());
        var bent = phase.cos() * (second * first.cos()).add(second.cos()).neg();
        var inner = (factors * (bent - (phase.sin() * (along.square() + across.square())))).sum([1]);
        var towards = (factors * phase.cos() * ((along * first) + (across * second))).sum([1]);
        return ((1 - x.square().sum([1])) * inner) - (4 * towards) - (2 * Dimensions * (factors * phase.sin()).sum([1]));
    }

    private Tensor Factors(Tensor x) => _factors.Value.to(x.dtype);

    private static (Tensor First, Tensor Second) Pair(Tensor x) => (x.narrow(1, 0, x.shape[1] - 1), x.narrow(1, 1, x.shape[1] - 1));

    private static Tensor Phase(Tensor x)
    {
        var (first, second) = Pair(x);
        return first + second.cos() + (second * first.cos());
    }
}
