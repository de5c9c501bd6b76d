using LeapAlign.Optimization.Bilevel;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>The coupled problem of LV-HBA in 100 numbers, whose solution is x = −0.3, y1 = 0.7, y2 = −0.4. Nothing is drawn.</summary>
internal static class LvHbaCase
{
    private const int Count = 100;

    public static IEnumerable<CaseFigure> Run()
    {
        using var scope = NewDisposeScope();
        var problem = new Coupled();
        Tensor[] all = [.. Enumerable.Range(0, 3).Select(static _ => full(Count, 10.0, dtype: float64))];
        Centre(all);
        using var descent = new ValueFunctionDescent(
            new BilevelForm { UpperRate = 0.05, Rate = 0.05, CentreRate = 0.05, LowerRate = 0.1, MultiplierRate = 0.1, Proximity = 2, MultiplierProximity = 2, Equalities = true },
            all[0], all[1..], 1);
        Dictionary<int, double> errors = [];
        foreach (var steps in new[] { 200, 2000, 20_000 })
        {
            while (descent.Steps < steps)
            {
                using var inner = NewDisposeScope();
                descent.Step(problem);
            }
            errors[steps] = (descent.Upper + 0.3).norm().item<double>() / (0.3 * Math.Sqrt(Count));
            yield return steps == 2000
                ? new CaseFigure("relative error of x after 2000 steps", errors[steps], "<= 0.06", errors[steps] <= 0.06)
                : new CaseFigure(FormattableString.Invariant($"the same after {steps}"), errors[steps]);
        }
        var ratio = errors[2000] / errors[20_000];
        yield return new CaseFigure("error after 2000 over error after 20000 (c grows 2-fold)", ratio, "1.6 to 2.2", ratio is >= 1.6 and <= 2.2);
    }

    // Onto 1·x + 1·y = 0.
    private static void Centre(IReadOnlyList<Tensor> all)
    {
        var mean = cat([.. all]).mean();
        foreach (var tensor in all) tensor.sub_(mean);
    }

    // F = (|x − y2|² + |y1 − 1|²) / 2, f = |y1|² / 2 − x·y1 + 1·y2, g = (1·x + 1·y) / √n = 0.
    private sealed class Coupled : IBilevelProblem
    {
        private static readonly double s_slope = 1 / Math.Sqrt(Count);

        public LowerAt Lower(Tensor upper, IReadOnlyList<Tensor> lower, LowerPlace who)
        {
            var slope = full_like(upper, s_slope);
            var value = s_slope * (upper.sum() + lower[0].sum() + lower[1].sum()).item<double>();
            return new LowerAt(lower[0].neg(), [lower[0] - upper, ones_like(upper)], [new ConstraintAt(value, slope, [slope, slope])]);
        }

        public UpperAt Upper(Tensor upper, IReadOnlyList<Tensor> lower) => new(upper - lower[1], [lower[0] - 1, lower[1] - upper]);

        public void Project(Tensor upper, IReadOnlyList<Tensor> lower, LowerAt before, IReadOnlyList<Tensor> moved) => Centre([upper, .. lower]);
    }
}
