using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Tests;

/// <summary>An optimization of one vector in double, or of pieces of one.</summary>
internal static class Given
{
    /// <summary>A trained vector.</summary>
    public static Tensor Weight(params double[] values) => tensor(values, dtype: float64).requires_grad_();

    public static ParameterSet Set(params Tensor[] values) => new(values.Select(static (value, place) => new Parameter($"w{place}", ParameterRole.Matrix, value)));

    public static double[] Values(this Tensor tensor) => tensor.detach().to(float64).contiguous().data<double>().ToArray();

    /// <summary>Gives an optimization the rows of a step, and their weighted sum as the gradient, and updates.</summary>
    public static double Update(this IRowOptimization optimization, ParameterSet parameters, UpdateContext context, params (double Loss, double Share, Tensor?[] Gradients)[] rows)
    {
        foreach (var parameter in parameters) parameter.Value.grad = null;
        for (var row = 0; row < rows.Length; row++)
        {
            optimization.Take(new GradientRow(row, rows[row].Loss, rows[row].Share, rows[row].Gradients));
            foreach (var (parameter, gradient) in parameters.Zip(rows[row].Gradients))
            {
                if (gradient is null) continue;
                var share = gradient * rows[row].Share;
                parameter.Value.grad = parameter.Value.grad is { } before ? before + share : share;
            }
        }
        return optimization.Update(context);
    }

    /// <summary>The derivative of a scalar.</summary>
    public static Tensor Derivative(Tensor scalar, Tensor of) => autograd.grad([scalar], [of], retain_graph: true)[0];
}
