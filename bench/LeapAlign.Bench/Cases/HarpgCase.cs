using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.State;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>The Gaussian policy of npg-igt with half of the samples spent on the curvature of a second draw: how far the direction is from the gradient.</summary>
internal static class HarpgCase
{
    private const int Samples = 1500;

    public static IEnumerable<CaseFigure> Run()
    {
        double[] errors = [.. Enumerable.Range(0, 20).Select(Error).Order()];
        yield return new CaseFigure("harpg: squared error of its direction, median of 20 seeds", (errors[9] + errors[10]) / 2);
        yield return new CaseFigure("harpg on a quadratic: largest distance of the direction from the gradient", Quadratic(), "<= 1e-10", Quadratic() <= 1e-10);
    }

    private static double Error(int seed)
    {
        using var scope = NewDisposeScope();
        var key = RandomKey.OfRun(seed);
        var goal = GaussianPolicy.Goal(key);
        var (noise, extra) = (GaussianPolicy.Draws(key.For("noise"), Samples), key.For("extra").Open());
        using var weights = new CaseWeights(
            CasesBench.Optimizer("harpg", FormattableString.Invariant($$"""{ "schedule": "constant", "gamma": 0.01, "eta": 0.01, "at": "uniform", "reach": 1e-5, "seed": {{seed}} }""")), zeros(GaussianPolicy.Dimensions, dtype: float64));
        List<double> errors = [];
        var used = 0;
        for (var update = 0; used + 1 < Samples; update++)
        {
            using var inner = NewDisposeScope();
            var here = Numbers(weights.Values[0]);
            var own = Draw(here, goal, noise[used++], 0.3 * extra.NextNormal());
            weights.Gradients(tensor(own.Advantage.Select((value, i) => value * own.Noise[i]).ToArray()));
            (double[] Action, double[] Centre, double Advantage)? second = null;
            weights.Update(context: new UpdateContext(update)
            {
                Again = (values, _) =>
                {
                    // Asked for twice, at the same distance from the place that the sample is drawn at.
                    var at = Numbers(values![0]);
                    return new StepGradient(0, [tensor(Weighted(at, second ??= Second(at, goal, noise[used++], 0.3 * extra.NextNormal())))]);
                },
            });
            if (used <= Samples / 4 || (update + 1) % 25 != 0) continue;
            var direction = Numbers(((IStateful)weights.Optimization).Save().Tensors.Single(static tensor => tensor.Name == "direction.w0").Value);
            errors.Add(direction.Zip(GaussianPolicy.Exact(here, goal)).Sum(static pair => Math.Pow(-pair.First - pair.Second, 2)));
        }
        return errors.Average();
    }

    // −A ∇ log p, number by number: A, and ∇ log p = z / σ.
    private static (double[] Advantage, double[] Noise) Draw(double[] at, double[] goal, double[] z, double extra)
    {
        var advantage = GaussianPolicy.Reward(GaussianPolicy.Moved(at, z), goal) - GaussianPolicy.Reward(at, goal) + extra;
        return ([.. z.Select(_ => -advantage)], [.. z.Select(static value => value / GaussianPolicy.Deviation)]);
    }

    private static (double[], double[], double) Second(double[] at, double[] goal, double[] z, double extra)
    {
        var action = GaussianPolicy.Moved(at, z);
        return (action, at, GaussianPolicy.Reward(action, goal) - GaussianPolicy.Reward(at, goal) + extra);
    }

    // The sample stays while the weights move, at its importance p(a|θ) / p(a|θ̂).
    private static double[] Weighted(double[] at, (double[] Action, double[] Centre, double Advantage) sample)
    {
        const double Variance = GaussianPolicy.Deviation * GaussianPolicy.Deviation;
        double Square(double[] centre) => sample.Action.Zip(centre).Sum(static pair => Math.Pow(pair.First - pair.Second, 2));
        var importance = Math.Exp((Square(sample.Centre) - Square(at)) / (2 * Variance));
        return [.. sample.Action.Zip(at, (action, mean) => -sample.Advantage * importance * (action - mean) / Variance)];
    }

    private static double Quadratic()
    {
        using var scope = NewDisposeScope();
        var half = RandomKey.OfRun(2).For("q").Normal([6, 6], CPU).to(float64);
        var curvature = half.matmul(half.t());
        using var weights = new CaseWeights(CasesBench.Optimizer("harpg", """{ "gamma": 0.3, "reach": 0.1 }"""), ones(6, dtype: float64));
        var worst = 0.0;
        for (var update = 0; update < 30; update++)
        {
            var gradient = curvature.matmul(weights.Values[0].detach()) + 1;
            weights.Gradients(gradient.clone());
            weights.Update(context: new UpdateContext(update) { Again = (values, _) => new StepGradient(0, [curvature.matmul(values![0]) + 1]) });
            worst = Math.Max(worst, (((IStateful)weights.Optimization).Save().Tensors.Single(static tensor => tensor.Name == "direction.w0").Value - gradient).norm().item<double>());
        }
        return worst;
    }

    private static double[] Numbers(Tensor vector) => vector.data<double>().ToArray();
}
