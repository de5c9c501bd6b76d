using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.State;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>A Gaussian policy in ten dimensions with one sample an update: how far the direction is from the gradient.</summary>
internal static class NpgIgtCase
{
    private const int Samples = 1500;

    public static IEnumerable<CaseFigure> Run()
    {
        var (plain, ahead) = (Median(probes: false), Median(probes: true));
        yield return new CaseFigure("a moving average of gradients: squared error of its direction, median of 20 seeds", plain);
        yield return new CaseFigure("npg-igt: the same", ahead);
        yield return new CaseFigure("npg-igt / moving average", ahead / plain, "<= 0.65", ahead / plain <= 0.65);
    }

    private static double Median(bool probes)
    {
        double[] errors = [.. Enumerable.Range(0, 20).Select(seed => Error(seed, probes)).Order()];
        return (errors[9] + errors[10]) / 2;
    }

    private static double Error(int seed, bool probes)
    {
        using var scope = NewDisposeScope();
        var key = RandomKey.OfRun(seed);
        var goal = GaussianPolicy.Goal(key);
        var (noise, extra) = (GaussianPolicy.Draws(key.For("noise"), Samples), key.For("extra").Open());
        using var weights = new CaseWeights(CasesBench.Optimizer("npg-igt", """{ "schedule": "constant", "gamma": 0.01, "eta": 0.01 }"""), zeros(GaussianPolicy.Dimensions, dtype: float64));
        List<double> errors = [];
        for (var update = 0; update < Samples; update++)
        {
            using var inner = NewDisposeScope();
            var here = weights.Values[0].data<double>().ToArray();
            // Without its probe the method is a normalised step along a moving average.
            var at = probes && ((IProbingOptimization)weights.Optimization).Probe() is { } probe ? probe[0].data<double>().ToArray() : here;
            var z = noise[update];
            var advantage = GaussianPolicy.Reward(GaussianPolicy.Moved(at, z), goal) - GaussianPolicy.Reward(at, goal) + (0.3 * extra.NextNormal());
            weights.Gradients(tensor(z.Select(value => -advantage * value / GaussianPolicy.Deviation).ToArray()));
            weights.Update();
            if (update + 1 <= Samples / 4 || (update + 1) % 25 != 0) continue;
            var direction = ((IStateful)weights.Optimization).Save().Tensors.Single(static tensor => tensor.Name == "direction.w0").Value.data<double>().ToArray();
            errors.Add(direction.Zip(GaussianPolicy.Exact(here, goal)).Sum(static pair => Math.Pow(-pair.First - pair.Second, 2)));
        }
        return errors.Average();
    }
}
