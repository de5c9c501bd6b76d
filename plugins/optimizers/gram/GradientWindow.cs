using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Gram;

/// <summary>
/// The last m gradients, and the curvature <c>F = λ I + (1/m) Σ g_i g_iᵀ</c> that they say (Frantar, Kurtic and Alistarh 2021, arXiv 2107.03356). Its inverse costs two
/// passes over the window: <c>F⁻¹ x = (x − Gᵀ (m λ I + G Gᵀ)⁻¹ G x) / λ</c>. Places that are empty yet are rows of zeros.
/// </summary>
/// <param name="parameters">The parameters.</param>
/// <param name="size">m.</param>
/// <param name="precision">How gradients are kept.</param>
internal sealed class GradientWindow(ParameterSet parameters, int size, RowPrecision precision) : IDisposable
{
    private readonly GradientMatrix _rows = Reserved(parameters, size, precision);
    private readonly Tensor _gram = zeros(size, size, dtype: ScalarType.Float64).DetachFromDisposeScope();
    private int _next;

    /// <summary>Gradients in the window.</summary>
    public int Filled { get; private set; }

    /// <summary>The mean squared length of the window's gradients.</summary>
    public double MeanSquare
    {
        get
        {
            using var trace = _gram.trace();
            return Filled == 0 ? 0 : trace.item<double>() / Filled;
        }
    }

    /// <summary>The window for states; the inner products only once there are any.</summary>
    public IEnumerable<NamedTensor> Tensors =>
    [
        .. parameters.Zip(_rows.Blocks, static (parameter, block) => new NamedTensor($"window.{parameter.Name}", block)),
        .. Filled > 0 ? [new NamedTensor("products", _gram)] : Array.Empty<NamedTensor>(),
    ];

    /// <summary>The place in the window, for states.</summary>
    public IEnumerable<KeyValuePair<string, double>> Numbers => [KeyValuePair.Create("next", (double)_next), KeyValuePair.Create("filled", (double)Filled)];

    /// <summary>Puts a gradient in the place of the oldest.</summary>
    /// <param name="gradient">One for each parameter; null is zero.</param>
    public void Push(IReadOnlyList<Tensor?> gradient)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        _rows.Clear(_next);
        _rows.Add(_next, gradient);
        Filled = Math.Max(Filled, _next + 1);
        // Products of what is kept: those of another gradient would be no Gram matrix.
        var products = _rows.Times(Filled, [.. _rows.Blocks.Select(block => block.select(0, _next))]);
        _gram.select(0, _next).narrow(0, 0, Filled).copy_(products);
        _gram.select(1, _next).narrow(0, 0, Filled).copy_(products);
        _next = (_next + 1) % size;
    }

    /// <summary><c>F⁻¹ x</c>.</summary>
    /// <param name="vector">x, one for each parameter; null is zero.</param>
    /// <param name="damping">λ &gt; 0.</param>
    /// <returns>One for each parameter, in the scope of the caller.</returns>
    public IReadOnlyList<Tensor> Inverse(IReadOnlyList<Tensor?> vector, double damping)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var inner = _gram.narrow(0, 0, Filled).narrow(1, 0, Filled) + (eye(Filled, dtype: ScalarType.Float64) * (size * damping));
        var explained = _rows.Combined(linalg.solve(inner, _rows.Times(Filled, vector)));
        return [.. vector.Zip(explained, (part, taken) => (part is null ? taken.neg() : part.detach() - taken).div(damping).MoveToOuterDisposeScope())];
    }

    /// <summary>Takes a saved window over.</summary>
    public Result<Unit> Load(PartState state) =>
        from blocks in parameters.Zip(_rows.Blocks, (parameter, block) => state.CopyTo($"window.{parameter.Name}", block)).All()
        from next in state.Number("next")
        from filled in state.Number("filled")
        from products in filled > 0 ? state.CopyTo("products", _gram) : Unit.Value
        select Placed((int)next, (int)filled);

    public void Dispose()
    {
        _rows.Dispose();
        _gram.Dispose();
    }

    private Unit Placed(int next, int filled)
    {
        (_next, Filled) = (next, filled);
        return Unit.Value;
    }

    private static GradientMatrix Reserved(ParameterSet parameters, int size, RowPrecision precision)
    {
        var rows = new GradientMatrix(parameters, precision);
        rows.Reserve(size);
        return rows;
    }
}
