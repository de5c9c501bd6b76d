using System.Diagnostics;
using LeapAlign.Contracts.Estimators;
using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>Poisson's equation in the unit ball with a solution of pairs of neighbours (Hu et al. 2023), by all dimensions and by a few.</summary>
internal static class SampledDimensionsCase
{
    private const double Rate = 2e-3;

    private enum Form
    {
        Independent,
        Same,
    }

    public static IEnumerable<CaseFigure> Run()
    {
        yield return new CaseFigure("right side in ten dimensions, by hand against autograd: largest difference", Difference(10), "<= 1e-9", Difference(10) <= 1e-9);
        foreach (var seed in Enumerable.Range(0, 3))
        {
            var full = Train(new PairsProblem(10, 64, 1500, seed), 10, Form.Same);
            yield return Error("ten dimensions of ten", seed, full.Error);
            foreach (var (form, what) in new[] { (Form.Independent, "two of ten, independent sets"), (Form.Same, "two of ten, one set") })
            {
                var sampled = Train(new PairsProblem(10, 64, 1500, seed), 2, form);
                yield return Error(what, seed, sampled.Error);
                yield return new CaseFigure($"{what}, seed {seed}: time / time of all", sampled.Seconds / full.Seconds, "<= 0.8", sampled.Seconds <= 0.8 * full.Seconds);
            }
        }
    }

    private static CaseFigure Error(string what, int seed, double error) => new($"{what}, seed {seed}: relative L2 error", error, "<= 0.08", error <= 0.08);

    private static (double Error, double Seconds) Train(PairsProblem problem, int sampled, Form form)
    {
        using var outer = NewDisposeScope();
        var key = RandomKey.OfRun(problem.Seed);
        using var weights = new CaseWeights(CasesBench.Optimizer("adamw", FormattableString.Invariant($$"""{ "rate": {{Rate}}, "weightDecay": 0, "fused": false }""")), [.. Layers(key, problem.Dimensions)]);
        var began = Process.GetCurrentProcess().TotalProcessorTime;
        for (var update = 0; update < problem.Updates; update++)
        {
            using var scope = NewDisposeScope();
            var points = problem.Points(key.For("points", update), problem.Batch).requires_grad_();
            var right = problem.Laplacian(points.detach());
            var value = Value(weights.Values, points);
            var gradient = autograd.grad([value.sum()], [points], retain_graph: true, create_graph: true)[0];
            int[] Set(string name) => SampledDimensions.Draw(key.For(name, update).Open(), problem.Dimensions, sampled);
            Tensor Residual(int[] set, bool differentiable) =>
                SampledDimensions.Estimate(problem.Dimensions, set, i => SampledDimensions.SecondDerivative(gradient, points, i, differentiable)) - right;
            var loss = form == Form.Same ? Residual(Set("slope"), true).square().mean() : SampledDimensions.ResidualLoss(Residual(Set("value"), false), Residual(Set("slope"), true));
            loss.backward();
            weights.Update(1 - ((double)update / problem.Updates));
        }
        var seconds = (Process.GetCurrentProcess().TotalProcessorTime - began).TotalSeconds;
        using var _ = no_grad();
        var held = problem.Points(RandomKey.OfRun(3).For("held"), 2000);
        var exact = problem.Solution(held);
        return (((Value(weights.Values, held) - exact).norm() / exact.norm()).item<float>(), seconds);
    }

    // Three layers, tanh, times what is zero on the sphere.
    private static Tensor Value(IReadOnlyList<Tensor> weights, Tensor points)
    {
        var state = points;
        for (var layer = 0; layer < 3; layer++)
        {
            state = nn.functional.linear(state, weights[2 * layer], weights[(2 * layer) + 1]);
            if (layer < 2) state = state.tanh();
        }
        return state.select(1, 0) * (1 - points.square().sum([1]));
    }

    private static IEnumerable<Tensor> Layers(RandomKey key, int dimensions)
    {
        foreach (var (number, outputs, inputs) in new[] { (0, 64, dimensions), (1, 64, 64), (2, 1, 64) })
        {
            var random = key.For("layer", number).Open();
            Tensor Uniform(params long[] shape) => tensor([.. Enumerable.Range(0, (int)shape.Aggregate(static (a, b) => a * b)).Select(_ => (float)(((2 * random.NextDouble()) - 1) / Math.Sqrt(inputs)))]).reshape(shape);
            yield return Uniform(outputs, inputs);
            yield return Uniform(outputs);
        }
    }

    private static double Difference(int dimensions)
    {
        using var scope = NewDisposeScope();
        var problem = new PairsProblem(dimensions, 8, 1, 0);
        var points = problem.Points(RandomKey.OfRun(1), 8).to(float64).requires_grad_();
        var gradient = autograd.grad([problem.Solution(points).sum()], [points], retain_graph: true, create_graph: true)[0];
        var sum = SampledDimensions.Estimate(dimensions, [.. Enumerable.Range(0, dimensions)], i => SampledDimensions.SecondDerivative(gradient, points, i, differentiable: false));
        return (sum - problem.Laplacian(points.detach())).abs().max().item<double>();
    }
}
