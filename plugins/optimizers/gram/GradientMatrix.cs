using LeapAlign.Contracts.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Gram;

/// <summary>
/// Gradients as the rows of a matrix M [m, d], in one block [m, n] for each parameter. What is summed over the d weights is summed in fp64, a piece of the columns at a
/// time: a Gram matrix has the square of the condition number of M.
/// </summary>
/// <param name="parameters">The parameters, d weights together.</param>
/// <param name="precision">How rows are kept.</param>
internal sealed class GradientMatrix(ParameterSet parameters, RowPrecision precision) : IDisposable
{
    // Numbers that are widened to fp64 at a time.
    private const long Piece = 1 << 22;

    private Tensor[] _blocks = [];

    /// <summary>The blocks, [capacity, n] each; empty before the first row and after <see cref="Release"/>.</summary>
    public IReadOnlyList<Tensor> Blocks => _blocks;

    /// <summary>The rows that there is room for.</summary>
    public long Capacity => _blocks.Length == 0 ? 0 : _blocks[0].shape[0];

    /// <summary>Makes room for rows; new ones are zero.</summary>
    public void Reserve(long rows)
    {
        if (rows <= Capacity) return;
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var before = _blocks;
        _blocks = [.. parameters.Select(parameter => zeros(rows, parameter.Value.numel(), dtype: TypeOf(parameter), device: parameter.Value.device).DetachFromDisposeScope())];
        foreach (var (old, block) in before.Zip(_blocks)) block.narrow(0, 0, old.shape[0]).copy_(old);
        foreach (var old in before) old.Dispose();
    }

    /// <summary>Makes a row zero.</summary>
    public void Clear(long row)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        foreach (var block in _blocks) block.select(0, row).zero_();
    }

    /// <summary>Adds a gradient to a row.</summary>
    /// <param name="row">The row.</param>
    /// <param name="gradients">One for each parameter; null is zero.</param>
    /// <param name="factor">The factor of the gradient.</param>
    public void Add(long row, IReadOnlyList<Tensor?> gradients, double factor = 1)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        foreach (var (block, gradient) in _blocks.Zip(gradients))
        {
            if (gradient is not null) block.select(0, row).add_(gradient.detach().reshape(-1), factor);
        }
    }

    /// <summary><c>M Mᵀ</c> of the first rows.</summary>
    /// <returns>[m, m], fp64, on the CPU.</returns>
    public Tensor Gram(long rows)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var gram = zeros(rows, rows, dtype: ScalarType.Float64);
        foreach (var (_, piece) in Pieces(rows)) gram.add_(piece.matmul(piece.t()).cpu());
        return gram.MoveToOuterDisposeScope();
    }

    /// <summary><c>M x</c> of the first rows.</summary>
    /// <param name="rows">How many.</param>
    /// <param name="vector">x, one for each parameter; null is zero.</param>
    /// <returns>[m], fp64, on the CPU.</returns>
    public Tensor Times(long rows, IReadOnlyList<Tensor?> vector)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var product = zeros(rows, dtype: ScalarType.Float64);
        foreach (var (place, piece) in Pieces(rows))
        {
            if (vector[place.Block] is { } part) product.add_(piece.matmul(part.detach().reshape(-1).narrow(0, place.From, piece.shape[1]).to(ScalarType.Float64)).cpu());
        }
        return product.MoveToOuterDisposeScope();
    }

    /// <summary><c>Mᵀ c</c>.</summary>
    /// <param name="coefficients">c, [m], fp64: the factors of the first rows.</param>
    /// <returns>One tensor for each parameter, of its shape and type, in the scope of the caller.</returns>
    public IReadOnlyList<Tensor> Combined(Tensor coefficients)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        Tensor[] sums = [.. parameters.Select(static parameter => zeros(parameter.Value.numel(), dtype: parameter.Value.dtype, device: parameter.Value.device))];
        foreach (var (place, piece) in Pieces(coefficients.shape[0]))
            sums[place.Block].narrow(0, place.From, piece.shape[1]).copy_(piece.t().matmul(coefficients.to(piece.device)));
        return [.. sums.Zip(parameters, static (sum, parameter) => sum.reshape(parameter.Value.shape).MoveToOuterDisposeScope())];
    }

    /// <summary>Gives the memory of the rows back.</summary>
    public void Release()
    {
        foreach (var block in _blocks) block.Dispose();
        _blocks = [];
    }

    public void Dispose() => Release();

    // Each lives until the next is asked for.
    private IEnumerable<((int Block, long From) Place, Tensor Piece)> Pieces(long rows)
    {
        var columns = Math.Max(1, Piece / Math.Max(1, rows));
        for (var block = 0; block < _blocks.Length; block++)
        {
            var length = _blocks[block].shape[1];
            for (var from = 0L; from < length; from += columns)
            {
                using var scope = NewDisposeScope();
                yield return ((block, from), _blocks[block].narrow(0, 0, rows).narrow(1, from, Math.Min(columns, length - from)).to(ScalarType.Float64));
            }
        }
    }

    private ScalarType TypeOf(Parameter parameter) => precision == RowPrecision.BFloat16 ? ScalarType.BFloat16 : parameter.Value.dtype;
}
