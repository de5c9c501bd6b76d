using LeapAlign.Contracts.Estimators;
using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>Six experts behind gates that are open or shut: a regression that only a choice of experts solves, by every estimator of hard units.</summary>
internal static class HardUnitsCase
{
    private const int Updates = 1500, Samples = 512, Batch = 64, Inputs = 8, Experts = 6;

    private static readonly string[] s_forms = ["straight-through", "straight-through x sigma'", "stochastic-times-smooth", "noisy-rectifier", "reinforce"];

    public static IEnumerable<CaseFigure> Run()
    {
        foreach (var form in s_forms)
        {
            // Of plain straight-through and the noisy rectifier a quarter of all seeds is above the bar, up to 0.23.
            double[] errors = [.. Enumerable.Range(0, 3).Select(seed => Error(form, seed))];
            for (var seed = 0; seed < errors.Length; seed++) yield return new CaseFigure($"{form}, seed {seed}: squared error / variance", errors[seed], "< 0.2", errors[seed] < 0.2);
            yield return new CaseFigure($"{form}: the same, mean of three seeds", errors.Average());
        }
    }

    private static double Error(string form, int seed)
    {
        using var scope = NewDisposeScope();
        var key = RandomKey.OfRun(seed);
        var (mixed, inputs) = (key.For("mixed").Normal([Inputs, 3], CPU), key.For("inputs").Normal([Samples, Inputs], CPU));
        var parts = inputs.matmul(mixed);
        // One of two linear functions, on both sides of a plane.
        var targets = where(parts.select(1, 0).gt(0), parts.select(1, 1), parts.select(1, 2));
        using var weights = new CaseWeights(CasesBench.Optimizer("adamw", """{ "rate": 1e-2, "weightDecay": 0, "fused": false }"""), [.. Layer(key.For("gates")), .. Layer(key.For("experts"))]);
        using var baselines = new UnitBaselines(Experts, 0.95);
        var rows = key.For("rows").Open();
        Tensor Gates(Tensor x) => nn.functional.linear(x, weights.Values[0], weights.Values[1]);
        Tensor Sum(Tensor open, Tensor x) => (open * nn.functional.linear(x, weights.Values[2], weights.Values[3])).sum([1]);
        for (var update = 0; update < Updates; update++)
        {
            using var inner = NewDisposeScope();
            var chosen = tensor([.. Enumerable.Range(0, Batch).Select(_ => (long)rows.NextInt(0, Samples))]);
            var (x, y) = (inputs.index_select(0, chosen), targets.index_select(0, chosen));
            var given = Gates(x);
            var noise = key.For("units", update);
            var drawn = HardUnits.Draw(given, noise);
            var errors = (Sum(Open(form, given, drawn, noise), x) - y).square();
            var loss = errors.mean() + (given.sigmoid().mean() * 0.02);
            if (form == "reinforce")
            {
                loss += HardUnits.Reinforce(given, drawn, errors, baselines.Values(ScalarType.Float32)).mean();
                baselines.Update(given, drawn, errors);
            }
            loss.backward();
            weights.Update();
        }
        using var _ = no_grad();
        var logits = Gates(inputs);
        var open = form switch
        {
            "stochastic-times-smooth" => HardUnits.StochasticTimesSmooth(logits, key.For("test")),
            "noisy-rectifier" => logits.relu(),
            _ => logits.gt(0).to(ScalarType.Float32),
        };
        return ((Sum(open, inputs) - targets).square().mean() / targets.var(unbiased: true)).item<float>();
    }

    private static Tensor Open(string form, Tensor given, Tensor drawn, RandomKey key) => form switch
    {
        "straight-through" => HardUnits.Passed(given, drawn, sloped: false),
        "straight-through x sigma'" => HardUnits.Passed(given, drawn, sloped: true),
        "stochastic-times-smooth" => HardUnits.StochasticTimesSmooth(given, key),
        "noisy-rectifier" => HardUnits.NoisyRectifier(given, key),
        _ => drawn,
    };

    private static IEnumerable<Tensor> Layer(RandomKey key)
    {
        var random = key.Open();
        Tensor Uniform(params long[] shape) => tensor([.. Enumerable.Range(0, (int)shape.Aggregate(static (a, b) => a * b)).Select(_ => (float)(((2 * random.NextDouble()) - 1) / Math.Sqrt(Inputs)))]).reshape(shape);
        yield return Uniform(Experts, Inputs);
        yield return Uniform(Experts);
    }
}
