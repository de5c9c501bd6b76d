using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>Log-sum-exp of 200 terms in 50 dimensions: a Gauss-Newton matrix does nearly what the Hessian does, and no curvature far less.</summary>
internal static class GnsCase
{
    private const double Mu = 0.1;

    public static IEnumerable<CaseFigure> Run()
    {
        foreach (var seed in Enumerable.Range(0, 3))
        {
            yield return Figure("exact Hessian", seed, 400, "<= 60", static steps => steps <= 60);
            yield return Figure("weighted Gauss-Newton", seed, 1000, "<= 250", static steps => steps <= 250);
        }
        yield return Figure("no curvature (ended at 2500)", 0, 2500, "> 2000", static steps => steps > 2000);
    }

    private static CaseFigure Figure(string what, int seed, int most, string bar, Func<int, bool> met)
    {
        var steps = Steps(what, seed, most);
        return new CaseFigure($"{what}, seed {seed}: steps to |g| < 1e-6", steps, bar, met(steps));
    }

    private static int Steps(string what, int seed, int most)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        double[] Uniform(string name, int count)
        {
            var random = RandomKey.OfRun(seed).For(name).Open();
            return [.. Enumerable.Range(0, count).Select(_ => (2 * random.NextDouble()) - 1)];
        }
        var (terms, offsets) = (tensor(Uniform("a", 200 * 50)).reshape(200, 50), tensor(Uniform("b", 200)));
        // The minimum moves to 0.
        terms = terms - (offsets / -Mu).softmax(0).matmul(terms);
        StepGradient At(Tensor x)
        {
            var scores = (terms.matmul(x) - offsets) / Mu;
            return new StepGradient(Mu * scores.logsumexp(0, false).item<double>(), [scores.softmax(0).matmul(terms)]);
        }
        var curved = !what.StartsWith("no", StringComparison.Ordinal);
        using var weights = new CaseWeights(CasesBench.Optimizer("gns", curved ? """{ "curvature": "rows", "flat": 0 }""" : """{ "flat": 0 }"""), ones(50, dtype: float64));
        for (var step = 0; step < most; step++)
        {
            using var inner = NewDisposeScope();
            var here = At(weights.Values[0].detach());
            if (here.Gradients[0]!.norm().item<double>() < 1e-6) return step;
            if (weights.Optimization is IRowOptimization rows)
            {
                var shares = ((terms.matmul(weights.Values[0].detach()) - offsets) / Mu).softmax(0);
                // Σ w (a − ā)(a − ā)ᵀ / μ is the Hessian, Σ w a aᵀ / μ the Gauss-Newton matrix.
                var directions = what[0] == 'e' ? terms - here.Gradients[0]! : terms;
                for (var row = 0; row < 200; row++) rows.Take(new GradientRow(row, 0, shares[row].item<double>() / Mu, [directions[row]]));
            }
            weights.Gradients(here.Gradients[0]!);
            weights.Update(context: new UpdateContext(step) { Loss = here.Loss, Again = (values, _) => At(values![0]) });
        }
        return most;
    }
}
