using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>The recorded quadratic, and a drawn one of condition 100: where <c>dal</c> stays, at the edge of what is stable, beside plain descent at the best of many rates.</summary>
internal static class DalCase
{
    private const int Count = 20;
    private const int Gradients = 200;

    public static IEnumerable<CaseFigure> Run() => Recorded().Concat(Enumerable.Range(0, 3).SelectMany(Seed));

    private static IEnumerable<CaseFigure> Recorded()
    {
        foreach (var (power, rate) in new[] { (1, 0.203920001), (0.5, 0.638623521) })
        {
            using var scope = NewDisposeScope();
            var found = Update(Dal(power), tensor([1.0, 10.0]), tensor([1.0, 0.5]));
            yield return new CaseFigure(FormattableString.Invariant($"diag(1, 10) at (1, 0.5), power {power}: rate"), found, FormattableString.Invariant($"{rate}"), Math.Abs(found - rate) < 5e-10);
        }
    }

    private static IEnumerable<CaseFigure> Seed(int seed)
    {
        using var scope = NewDisposeScope();
        // Curvatures from 0.1 to 10: along the coordinates, since descent does not know them.
        var curvature = tensor(Enumerable.Range(0, Count).Select(static place => 0.1 * Math.Pow(100, place / (Count - 1.0))).ToArray());
        var start = RandomKey.OfRun(seed).For("start").Normal([Count], CPU).to(float64);
        double Loss(string id, string settings, int updates)
        {
            using var weights = new CaseWeights(CasesBench.Optimizer(id, settings), start);
            for (var update = 0; update < updates; update++) Step(weights, curvature);
            return (curvature * weights.Values[0].detach().square()).sum().item<double>() / 2;
        }
        var before = (curvature * start.square()).sum().item<double>() / 2;
        var best = Enumerable.Range(1, 40).Select(tenth => Loss("sgd", FormattableString.Invariant($$"""{ "rate": {{0.005 * tenth}} }"""), Gradients)).Min();
        yield return new CaseFigure($"seed {seed}: plain descent, {Gradients} gradients at the best of 40 rates: loss over that at the start", best / before);
        // A gradient ahead counts.
        foreach (var power in new[] { 1, 0.5 })
            yield return new CaseFigure(FormattableString.Invariant($"seed {seed}: dal, power {power}, as many gradients: the same"), Loss("dal", FormattableString.Invariant($$"""{ "power": {{power}} }"""), Gradients / 2) / before);
    }

    private static IOptimizer Dal(double power) => CasesBench.Optimizer("dal", FormattableString.Invariant($$"""{ "power": {{power}} }"""));

    private static double Update(IOptimizer optimizer, Tensor curvature, Tensor at)
    {
        using var weights = new CaseWeights(optimizer, at);
        return Step(weights, curvature);
    }

    private static double Step(CaseWeights weights, Tensor curvature)
    {
        using var scope = NewDisposeScope();
        var before = weights.Values[0].detach().clone();
        var gradient = curvature * before;
        weights.Gradients(gradient);
        weights.Update(context: new UpdateContext(0) { Again = (values, _) => new StepGradient(0, [curvature * values![0]]) });
        // The first coordinate tells the rate.
        return (before - weights.Values[0].detach())[0].item<double>() / gradient[0].item<double>();
    }
}
