using LeapAlign.Contracts.Randomness;
using LeapAlign.Host.Fitting;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Fitting;

/// <summary>What the weight of a row of a ridge regression does to the error of others.</summary>
public sealed class RowEffectsTests : IDisposable
{
    private const int Rows = 24, Inputs = 5, Others = 9;
    private const double Lambda = 0.07;
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    private static (Tensor Inputs, Tensor Targets) Drawn(string what, int rows)
    {
        var key = RandomKey.OfRun(6);
        var inputs = key.For(what).For("x").Normal([rows, Inputs], CPU).to(float64) + 1;
        return (inputs, inputs.matmul(key.For("w").Normal([Inputs], CPU).to(float64)) + key.For(what).For("y").Normal([rows], CPU).to(float64) - 3);
    }

    // min Σ ω_i (w·x_i + b − y_i)² / n + λ |w|², by its own lines: n is that of all rows, whatever they weigh.
    private static RidgeLayer Solved((Tensor Inputs, Tensor Targets) rows, Tensor weights, double lambda = Lambda)
    {
        var wide = cat([rows.Inputs, ones(Rows, 1, dtype: float64)], 1);
        var penalty = diag(cat([full(Inputs, lambda, dtype: float64), zeros(1, dtype: float64)]));
        var solution = linalg.solve((wide.t().matmul(wide * weights.unsqueeze(1)) / Rows) + penalty, wide.t().matmul(rows.Targets * weights) / Rows);
        return new RidgeLayer(solution[..Inputs], solution[Inputs].item<double>(), lambda, 0);
    }

    private static double Error(RidgeLayer layer, (Tensor Inputs, Tensor Targets) rows) => (rows.Inputs.matmul(layer.Weights) + layer.Intercept - rows.Targets).square().mean().item<double>();

    private static Tensor Weights(int row, double weight)
    {
        var all = Enumerable.Repeat(1.0, Rows).ToArray();
        all[row] = weight;
        return tensor(all);
    }

    [Fact]
    public void They_are_central_differences_of_refits()
    {
        var (rows, others) = (Drawn("fitted", Rows), Drawn("others", Others));
        var found = RowEffects.Of(Solved(rows, ones(Rows, dtype: float64)), rows, others).Value();
        Assert.Equal(Rows, found.Length);
        for (var row = 0; row < Rows; row++)
            Assert.Equal((Error(Solved(rows, Weights(row, 1 + 1e-5)), others) - Error(Solved(rows, Weights(row, 1 - 1e-5)), others)) / 2e-5, found[row], 1e-8);
        Assert.Contains(found, static effect => effect > 1e-3);
        Assert.Contains(found, static effect => effect < -1e-3);
    }

    // First order: the sign and the order of what hurts and helps most, and the size to a part that is the row's own pull on the layer.
    [Fact]
    public void A_row_that_hurts_is_one_without_which_the_others_are_told_better()
    {
        var (rows, others) = (Drawn("fitted", Rows), Drawn("others", Others));
        // A score that is wrong.
        rows.Targets = rows.Targets + (tensor(Enumerable.Range(0, Rows).Select(static row => row == 7 ? 40.0 : 0).ToArray()));
        var layer = Solved(rows, ones(Rows, dtype: float64));
        var found = RowEffects.Of(layer, rows, others).Value();
        double[] without = [.. Enumerable.Range(0, Rows).Select(row => Error(layer, others) - Error(Solved(rows, Weights(row, 0)), others))];
        Assert.Equal(7, Array.IndexOf(found, found.Max()));
        Assert.Equal(7, Array.IndexOf(without, without.Max()));
        var ordered = FitQuality.Correlation(FitQuality.Ranks(found), FitQuality.Ranks(without));
        Assert.True(ordered > 0.85, $"{ordered}");
        var large = Enumerable.Range(0, Rows).Where(row => Math.Abs(without[row]) > 0.3 * without.Max()).ToArray();
        Assert.All(large, row => Assert.Equal(Math.Sign(without[row]), Math.Sign(found[row])));
    }

    // A row that has the place of its own target pulls at nothing, and rows that are alike do alike.
    [Fact]
    public void A_row_that_is_told_exactly_does_nothing()
    {
        var (rows, others) = (Drawn("fitted", Rows), Drawn("others", Others));
        var layer = Solved(rows, ones(Rows, dtype: float64));
        var told = rows.Inputs.matmul(layer.Weights) + layer.Intercept;
        var exact = (rows.Inputs, Targets: told);
        // The scores are the layer's own: without a penalty it is their solution.
        var free = Solved(exact, ones(Rows, dtype: float64), lambda: 0);
        Assert.All(RowEffects.Of(free, exact, others).Value(), static effect => Assert.Equal(0, effect, 1e-9));
    }

    [Fact]
    public void A_layer_that_is_not_the_solution_is_refused()
    {
        var (rows, others) = (Drawn("fitted", Rows), Drawn("others", Others));
        var layer = Solved(rows, ones(Rows, dtype: float64));
        RowEffects.Of(layer with { Weights = layer.Weights + 1e-3 }, rows, others).Fault(FaultCodes.RootNotSolved, "solve further");
        RowEffects.Of(layer with { Lambda = 2 * Lambda }, rows, others).Fault(FaultCodes.RootNotSolved, "its residual is");
        RowEffects.Of(layer, Drawn("others", Rows), others).Fault(FaultCodes.RootNotSolved, "its residual is");
    }

    // Above the limit of the dense solver.
    [Fact]
    public void A_wide_layer_has_them_too()
    {
        const int wide = 520;
        var key = RandomKey.OfRun(2);
        var (inputs, targets) = (key.For("x").Normal([40, wide], CPU).to(float64), key.For("y").Normal([40], CPU).to(float64));
        var others = (Inputs: key.For("others").Normal([5, wide], CPU).to(float64), Targets: zeros(5, dtype: float64));
        // By the dual, 40 numbers: w = Xᵀ a.
        RidgeLayer At(double weight)
        {
            var weights = cat([tensor([weight]), ones(39, dtype: float64)]);
            var (mean, total) = ((weights.unsqueeze(1) * inputs).sum([0]) / weights.sum(), (weights * targets).sum() / weights.sum());
            var (centred, left) = ((inputs - mean) * weights.sqrt().unsqueeze(1), (targets - total) * weights.sqrt());
            var w = centred.t().matmul(linalg.solve(centred.matmul(centred.t()) + (eye(40, dtype: float64) * (40 * Lambda)), left));
            return new RidgeLayer(w, (total - mean.dot(w)).item<double>(), Lambda, 0);
        }
        var found = RowEffects.Of(At(1), (inputs, targets), others).Value();
        var difference = (Error(At(1 + 1e-4), others) - Error(At(1 - 1e-4), others)) / 2e-4;
        Assert.Equal(1, found[0] / difference, 1e-5);
        // Where the penalty is chosen, its derivative goes the same way.
        Assert.True(RidgeLayer.Of(inputs, targets, [.. Enumerable.Range(0, 40).Select(static row => row % 4 == 0)]).IsOk);
    }

    [Fact]
    public void The_table_has_what_hurts_first_and_quotes_captions()
    {
        RowEffect[] effects = [new(3, "b.png", "two, \"red\"", 0.5, 0.25), new(1, "a.png", "=one", -1, -1e-3)];
        Assert.Equal("row,picture,caption,score,effect\n3,b.png,\"two, \"\"red\"\"\",0.5,0.25\n1,a.png,'=one,-1,-0.001\n", RowEffects.ToCsv(effects));
    }
}
