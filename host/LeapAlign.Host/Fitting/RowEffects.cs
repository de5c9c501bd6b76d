using System.Globalization;
using System.Text;
using LeapAlign.Contracts.Solvers;
using LeapAlign.Host.Scored;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Fitting;

/// <summary>A sample that a layer was fitted to, and what its weight does.</summary>
/// <param name="Row">Its number, from 1: in the file, or among the pictures that were drawn.</param>
/// <param name="Picture">The file of its picture; of drawn ones the number among those of the caption.</param>
/// <param name="Caption">Its caption.</param>
/// <param name="Score">What it was fitted to.</param>
/// <param name="Effect">The derivative of the squared error of what was held out by its weight, which is 1: above 0 the others are told better without it, and its removal lowers the error by so much, to first order.</param>
internal sealed record RowEffect(int Row, string Picture, string Caption, double Score, double Effect);

/// <summary>Hyper-gradients of a ridge regression: what the weight of each row does to the error of others, and tables of that.</summary>
internal static class RowEffects
{
    /// <summary>
    /// The derivatives of the mean squared error of rows that were held out by the weights ω of the rows that a layer was fitted to, <c>min Σ ω_i (w·x_i + b − y_i)² / n + λ |w|²</c> at ω = 1, with λ and n as they are: by the
    /// implicit function theorem (Blondel et al. 2021, arXiv 2105.15183), <c>−(1/n) r_i (x_i, 1)ᵀ A⁻¹ c</c> with r the residuals, A the Hessian and c the gradient of the error in (w, b). One linear system for all rows.
    /// </summary>
    /// <param name="layer">The solution.</param>
    /// <param name="fitted">x, [n, m], and y, [n], fp64.</param>
    /// <param name="heldOut">The others, alike.</param>
    /// <returns>One for each row; LA5044 where the layer is not the solution for these rows, LA5045 where the system cannot be solved.</returns>
    public static Result<double[]> Of(RidgeLayer layer, (Tensor Inputs, Tensor Targets) fitted, (Tensor Inputs, Tensor Targets) heldOut)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (rows, inputs) = (fitted.Inputs.shape[0], fitted.Inputs.shape[1]);
        var solution = cat([layer.Weights, full([1], layer.Intercept, dtype: ScalarType.Float64, device: layer.Weights.device)]);
        // The intercept has no penalty.
        var penalty = cat([full([inputs], layer.Lambda, dtype: ScalarType.Float64, device: layer.Weights.device), zeros([1], dtype: ScalarType.Float64, device: layer.Weights.device)]);
        var (wide, judged) = (Wide(fitted.Inputs), Wide(heldOut.Inputs));
        var towards = judged.t().matmul(judged.matmul(solution) - heldOut.Targets) * (2.0 / heldOut.Targets.shape[0]);
        return RootVjp.Of(
            (at, weights) => (wide.t().matmul(weights[0] * (wide.matmul(at) - fitted.Targets)) / rows) + (penalty * at),
            solution,
            [ones(rows, dtype: ScalarType.Float64, device: layer.Weights.device)],
            towards,
            RidgeLayer.Form((int)inputs + 1, () => (wide.t().matmul(wide) / rows) + diag(penalty))).Map(static found =>
            {
                using (found.Solution.Value)
                using (found.Values[0])
                {
                    return found.Values[0].cpu().data<double>().ToArray();
                }
            });
    }

    /// <summary>As comma-separated values with a header, what hurts most first (<see cref="ScoreSheet.Cell"/>).</summary>
    public static string ToCsv(IReadOnlyList<RowEffect> effects)
    {
        var table = new StringBuilder("row,picture,caption,score,effect\n");
        foreach (var each in effects)
            table.AppendJoin(',', each.Row.ToString(CultureInfo.InvariantCulture), ScoreSheet.Cell(each.Picture), ScoreSheet.Cell(each.Caption), Exactly(each.Score), Exactly(each.Effect)).Append('\n');
        return table.ToString();

        static string Exactly(double value) => value.ToString("R", CultureInfo.InvariantCulture);
    }

    private static Tensor Wide(Tensor inputs) => cat([inputs, ones([inputs.shape[0], 1], dtype: ScalarType.Float64, device: inputs.device)], 1);
}
