using LeapAlign.Contracts.Objectives;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>Bilinear games, whose plain descent spirals outwards: of one number for each player, as recorded, and of ten with a drawn matrix, by its singular values.</summary>
internal static class DriftCase
{
    private const double Rate = 0.1;
    private const int Steps = 100;
    private const int Count = 10;

    public static IEnumerable<CaseFigure> Run() => Recorded().Concat(Enumerable.Range(0, 3).SelectMany(Seed));

    private static IEnumerable<CaseFigure> Recorded()
    {
        using var scope = NewDisposeScope();
        var (one, zero) = (ones(1, dtype: float64), zeros(1, dtype: float64));
        foreach (var (cancels, radius) in new[] { (false, 1.644631822), (true, 1.001250766) })
        {
            var end = End(ones(1, 1, dtype: float64), one, zero, cancels).norm().item<double>();
            yield return new CaseFigure($"phi theta against its negative, from radius 1, 100 steps {(cancels ? "with" : "without")} drift: radius", end, FormattableString.Invariant($"{radius}"), Math.Abs(end - radius) < 5e-10);
        }
    }

    private static IEnumerable<CaseFigure> Seed(int seed)
    {
        using var scope = NewDisposeScope();
        var key = RandomKey.OfRun(seed);
        var matrix = key.For("matrix").Normal([Count, Count], CPU).to(float64) / Math.Sqrt(Count);
        var (phi, theta) = (key.For("phi").Normal([Count], CPU).to(float64), key.For("theta").Normal([Count], CPU).to(float64));
        var start = cat([phi, theta]).norm().item<double>();
        var (left, values, right) = linalg.svd(matrix, fullMatrices: false);
        // Each singular value is a game of its own, whose radius grows by (1 + h²s²)^50 or (1 + h⁴s⁴/4)^50.
        var parts = left.t().mv(phi).square() + right.mv(theta).square();
        foreach (var cancels in new[] { false, true })
        {
            var end = End(matrix, phi, theta, cancels).norm().item<double>() / start;
            var square = values.square() * (Rate * Rate);
            var growth = cancels ? (square.square() / 4) + 1 : square + 1;
            var closed = (parts * growth.pow(Steps)).sum().sqrt().item<double>() / start;
            yield return new CaseFigure(FormattableString.Invariant($"seed {seed}: ten numbers against ten, {(cancels ? "with" : "without")} drift: radius over that at the start"), end, FormattableString.Invariant($"{closed:G9}"), Math.Abs((end / closed) - 1) < 1e-8);
        }
    }

    // L₁ = φᵀ A θ = −L₂.
    private static Tensor End(Tensor matrix, Tensor phi, Tensor theta, bool cancels)
    {
        var objective = (IGradientObjective)CasesBench.Objective("drift", FormattableString.Invariant($$"""{ "rate": {{Rate}} }"""));
        var optimizer = CasesBench.Optimizer("sgd", FormattableString.Invariant($$"""{ "rate": {{Rate}} }"""));
        using var first = new CaseWeights(optimizer, phi);
        using var second = new CaseWeights(optimizer, theta);
        ParameterSet Set(CaseWeights weights) => new([new Parameter("w", ParameterRole.Matrix, weights.Values[0])]);
        PlayerGradients At(Tensor phi, Tensor theta) => new([matrix.mv(theta)], [matrix.t().mv(phi).neg()]);
        for (var step = 0; step < Steps; step++)
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var (one, other) = (first.Values[0].detach(), second.Values[0].detach());
            var here = At(one, other);
            var added = cancels ? objective.Of(new GradientField(Set(first), Set(second), here) { Elsewhere = (trained, own, _) => At(trained?[0] ?? one, own?[0] ?? other) }) : null;
            first.Gradients(Sum(here.Trained[0]!, added?.Trained[0]));
            second.Gradients(Sum(here.Own[0]!, added?.Own[0]));
            first.Update();
            second.Update();
        }
        return cat([first.Values[0].detach(), second.Values[0].detach()]);
    }

    private static Tensor Sum(Tensor gradient, Tensor? added) => added is null ? gradient.alias() : gradient + added;
}
