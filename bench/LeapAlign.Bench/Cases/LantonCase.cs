using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>Six quadratics of 16 x 16 weights whose gradients have noise from 0.01 to 1.</summary>
internal static class LantonCase
{
    public static IEnumerable<CaseFigure> Run()
    {
        double[] rates = [0.01, 0.02, 0.04];
        var (fixed1, adaptive) = (rates.Select(static rate => Mean(rate, 1e9)).ToList(), rates.Select(static rate => Mean(rate, 10)).ToList());
        var (without, with) = (fixed1.Min(static run => run.Average), adaptive.Min(static run => run.Average));
        yield return new CaseFigure("fixed rates: loss averaged over 150 steps, best of three rates, mean of three seeds", without);
        yield return new CaseFigure("lanton (alpha 10): the same", with);
        yield return new CaseFigure("lanton / fixed", with / without, "<= 0.95", with / without <= 0.95);
        yield return new CaseFigure("fixed rates: final loss, best of three rates", fixed1.Min(static run => run.Final));
        yield return new CaseFigure("lanton: final loss, best of three rates", adaptive.Min(static run => run.Final));
    }

    private static (double Average, double Final) Mean(double rate, double alpha)
    {
        var runs = Enumerable.Range(0, 3).Select(seed => Train(rate, alpha, seed)).ToList();
        return (runs.Average(static run => run.Average), runs.Average(static run => run.Final));
    }

    private static (double Average, double Final) Train(double rate, double alpha, int seed)
    {
        const int layers = 6, edge = 16, steps = 150;
        using var scope = NewDisposeScope();
        var key = RandomKey.OfRun(seed);
        var curvature = logspace(0, -1, edge, dtype: float64);
        Tensor[] goals = [.. Enumerable.Range(0, layers).Select(layer => key.For("goal", layer).Normal([edge, edge], CPU).to(float64) / Math.Sqrt(edge))];
        double[] noises = [.. Enumerable.Range(0, layers).Select(static layer => Math.Pow(10, -2 + (2.0 * layer / (layers - 1))))];
        using var weights = new CaseWeights(
            CasesBench.Optimizer("lanton", FormattableString.Invariant($$"""{ "rate": {{rate}}, "alpha": {{alpha}} }""")), [.. goals.Select(static goal => zeros_like(goal))]);
        double sum = 0, loss = 0;
        for (var step = 0; step < steps; step++)
        {
            using var inner = NewDisposeScope();
            weights.Gradients([.. weights.Values.Select((value, layer) =>
                ((value.detach() - goals[layer]) * curvature) + (key.For("noise", (layers * step) + layer).Normal([edge, edge], CPU).to(float64) * noises[layer]))]);
            weights.Update();
            loss = weights.Values.Zip(goals).Sum(pair => ((pair.First.detach() - pair.Second).square() * curvature).sum().item<double>() / 2);
            sum += loss;
        }
        return (sum / steps, loss);
    }
}
