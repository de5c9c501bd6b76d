using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>A rotated linear regression whose inputs have scales from 1 to 0.01, with batches of 64 and rates that fall to 0.</summary>
internal static class MfacCase
{
    public static IEnumerable<CaseFigure> Run()
    {
        var (adam, window, relative) = (new List<double>(), new List<double>(), new List<double>());
        foreach (var seed in Enumerable.Range(0, 3))
        {
            adam.Add(Best(seed, "adamw", """{ "rate": 1, "weightDecay": 0, "fused": false }""", [0.03, 0.1, 0.3, 1]));
            window.Add(Best(seed, "mfac", """{ "rate": 1, "window": 64, "damping": 1e-3, "dampingMode": "absolute" }""", [0.03, 0.1, 0.3, 1]));
            relative.Add(Best(seed, "mfac", """{ "rate": 1, "window": 64 }""", [0.03, 0.1, 0.3, 1]));
            yield return new CaseFigure($"adamw, seed {seed}: loss after 600 steps, best of four rates", adam[^1]);
            yield return new CaseFigure($"mfac (window 64, absolute 1e-3), seed {seed}: the same", window[^1], "<= adamw / 1.5", window[^1] <= adam[^1] / 1.5);
            yield return new CaseFigure($"mfac (window 64, relative 0.01), seed {seed}: the same", relative[^1]);
        }
    }

    private static double Best(int seed, string optimizer, string settings, double[] rates) => rates.Min(rate => Train(seed, optimizer, settings, rate));

    private static double Train(int seed, string optimizer, string settings, double rate)
    {
        const int dimensions = 100, samples = 2000, batch = 64, steps = 600;
        using var scope = NewDisposeScope();
        var key = RandomKey.OfRun(seed);
        Tensor Normal(string name, params long[] shape) => key.For(name).Normal(shape, CPU).to(float64);
        var (rotation, _) = linalg.qr(Normal("q", dimensions, dimensions));
        var inputs = (Normal("x", samples, dimensions) * logspace(0, -2, dimensions, dtype: float64)).matmul(rotation);
        var outputs = inputs.matmul(Normal("w", dimensions));
        using var weights = new CaseWeights(CasesBench.Optimizer(optimizer, settings), zeros(dimensions, dtype: float64));
        var random = key.For("batches").Open();
        for (var step = 0; step < steps; step++)
        {
            using var inner = NewDisposeScope();
            var chosen = tensor(Enumerable.Range(0, batch).Select(_ => (long)random.NextInt(0, samples)).ToArray());
            var (x, y) = (inputs[chosen], outputs[chosen]);
            weights.Gradients(x.t().matmul(x.matmul(weights.Values[0].detach()) - y) / batch);
            weights.Update(rate * (1 - ((double)step / steps)));
        }
        var loss = (inputs.matmul(weights.Values[0].detach()) - outputs).square().mean().item<double>() / 2;
        return double.IsNaN(loss) ? double.PositiveInfinity : loss;
    }
}
