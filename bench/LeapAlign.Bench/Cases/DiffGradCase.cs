using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>A valley of two minima, of which diffGrad finds the lower one where Adam goes past it (Dubey and others 2020, F1).</summary>
internal static class DiffGradCase
{
    public static IEnumerable<CaseFigure> Run()
    {
        var found = Valley("diffgrad", """{ "rate": 0.1, "beta1": 0.95 }""");
        yield return new CaseFigure("diffgrad: |x + 0.3| after 299 updates", Math.Abs(found + 0.3), "< 1e-3", Math.Abs(found + 0.3) < 1e-3);
        yield return new CaseFigure("adamw: x; 0.2 is the higher minimum", Valley("adamw", """{ "rate": 0.1, "beta1": 0.95, "weightDecay": 0, "fused": false }"""));
    }

    private static double Valley(string optimizer, string settings)
    {
        using var scope = NewDisposeScope();
        using var weights = new CaseWeights(CasesBench.Optimizer(optimizer, settings), tensor([-1.0]));
        for (var update = 0; update < 299; update++)
        {
            var x = weights.Values[0].item<double>();
            weights.Gradients(tensor([(2 * x) + (x <= 0 ? 0.6 : -0.4)]));
            weights.Update();
        }
        return weights.Values[0].item<double>();
    }
}
