using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>A quadratic in 50 numbers with a sum of absolute values: how many gradients of the one and subgradients of the other each digit costs.</summary>
internal static class SlidingCase
{
    private const int Count = 50;
    private const double Sparsity = 0.3;

    public static IEnumerable<CaseFigure> Run() => Enumerable.Range(0, 3).SelectMany(Seed);

    private static IEnumerable<CaseFigure> Seed(int seed)
    {
        using var scope = NewDisposeScope();
        var key = RandomKey.OfRun(seed);
        var matrix = key.For("a").Normal([Count, Count], CPU).to(float64);
        var curvature = matrix.matmul(matrix.t()) / Count;
        var smooth = linalg.eigvalsh(curvature)[-1].item<double>();
        var strong = 0.05 * smooth;
        var goal = key.For("goal").Normal([Count], CPU).to(float64);
        double Value(Tensor at) => (((at - goal).dot(curvature.mv(at - goal)) / 2) + (at.abs().sum() * Sparsity) + (at.square().sum() * (strong / 2))).item<double>();
        var best = Value(Solved(curvature, goal, (smooth, strong)));
        using var weights = new CaseWeights(
            CasesBench.Optimizer("gradient-sliding", FormattableString.Invariant($$"""{ "smooth": {{smooth}}, "strong": {{strong}}, "decay": "zero", "sparsity": {{Sparsity}}, "innerCap": 1000000 }""")), zeros(Count, dtype: float64));
        double inner = 0;
        (double Gap, int Gradients, double Subgradients)? last = null;
        foreach (var gap in new[] { 1, 0.1, 0.01 })
        {
            var gradients = last?.Gradients ?? 0;
            while (Value(weights.Values[0].detach()) - best > gap && gradients < 300)
            {
                using var step = NewDisposeScope();
                var at = ((IProbingOptimization)weights.Optimization).Probe() is { } probe ? probe[0] : weights.Values[0].detach();
                weights.Gradients(curvature.mv(at - goal));
                weights.Update(context: new UpdateContext(gradients) { Measured = (name, value) => inner += name == "inner" ? value : 0 });
                gradients++;
            }
            yield return new CaseFigure(FormattableString.Invariant($"seed {seed}: gradients of f to a gap of {gap}"), gradients);
            if (last is { } before)
            {
                yield return new CaseFigure(FormattableString.Invariant($"seed {seed}: further gradients for that digit"), gradients - before.Gradients, "<= 70", gradients - before.Gradients <= 70);
                yield return new CaseFigure(FormattableString.Invariant($"seed {seed}: subgradients, times those before"), inner / before.Subgradients, "<= 30", inner / before.Subgradients <= 30);
            }
            last = (gap, gradients, inner);
        }
    }

    // Proximal gradients, far beyond the last digit.
    private static Tensor Solved(Tensor curvature, Tensor goal, (double Smooth, double Strong) of)
    {
        var at = zeros_like(goal);
        for (var step = 0; step < 3000; step++)
        {
            using var scope = NewDisposeScope();
            var ahead = at - ((curvature.mv(at - goal) + (at * of.Strong)) / (of.Smooth + of.Strong));
            at.copy_(ahead.sign() * (ahead.abs() - (Sparsity / (of.Smooth + of.Strong))).clamp_min(0));
        }
        return at;
    }
}
