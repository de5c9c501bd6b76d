using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.State;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>A Gaussian policy in ten dimensions with one sample an update: how far the direction is from the gradient.</summary>
internal static class NpgIgtCase
{
    private const int Dimensions = 10, Samples = 1500, Points = 4000;
    private const double Deviation = 0.5;

    private static readonly double[][] s_noise = Draws(RandomKey.OfRun(999), Points);

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
        var goal = Draws(key.For("goal"), 1)[0];
        var length = Math.Sqrt(goal.Sum(static value => value * value));
        goal = [.. goal.Select(value => 3 * value / length)];
        var (noise, extra) = (Draws(key.For("noise"), Samples), key.For("extra").Open());
        using var weights = new CaseWeights(CasesBench.Optimizer("npg-igt", """{ "schedule": "constant", "gamma": 0.01, "eta": 0.01 }"""), zeros(Dimensions, dtype: float64));
        List<double> errors = [];
        for (var update = 0; update < Samples; update++)
        {
            using var inner = NewDisposeScope();
            var here = weights.Values[0].data<double>().ToArray();
            // Without its probe the method is a normalised step along a moving average.
            var at = probes && ((IProbingOptimization)weights.Optimization).Probe() is { } probe ? probe[0].data<double>().ToArray() : here;
            var z = noise[update];
            var advantage = Reward(Moved(at, z), goal) - Reward(at, goal) + (0.3 * extra.NextNormal());
            weights.Gradients(tensor(z.Select(value => -advantage * value / Deviation).ToArray()));
            weights.Update();
            if (update + 1 <= Samples / 4 || (update + 1) % 25 != 0) continue;
            var direction = ((IStateful)weights.Optimization).Save().Tensors.Single(static tensor => tensor.Name == "direction.w0").Value.data<double>().ToArray();
            errors.Add(direction.Zip(Exact(here, goal)).Sum(static pair => Math.Pow(-pair.First - pair.Second, 2)));
        }
        return errors.Average();
    }

    private static double Reward(double[] action, double[] goal) => -Math.Log(1 + Distance(action, goal));

    private static double Distance(double[] action, double[] goal) => action.Zip(goal).Sum(static pair => Math.Pow(pair.First - pair.Second, 2));

    private static double[] Moved(double[] at, double[] z) => [.. at.Zip(z, static (value, noise) => value + (Deviation * noise))];

    // The mean of the reward's gradient over the policy.
    private static double[] Exact(double[] at, double[] goal)
    {
        var sum = new double[Dimensions];
        foreach (var z in s_noise)
        {
            var action = Moved(at, z);
            var scale = -2 / (1 + Distance(action, goal)) / Points;
            for (var i = 0; i < Dimensions; i++) sum[i] += scale * (action[i] - goal[i]);
        }
        return sum;
    }

    private static double[][] Draws(RandomKey key, int count)
    {
        var random = key.Open();
        return [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, Dimensions).Select(_ => random.NextNormal()).ToArray())];
    }
}
