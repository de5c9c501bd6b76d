using static TorchSharp.torch;

namespace LeapAlign.Networks.Images;

/// <summary>
/// Resizes pictures by two small matrices, horizontally and then vertically; a fixed linear map, so that gradients flow through it exactly. The
/// matrices of every pair of sizes are kept.
/// </summary>
public sealed class Resize : IDisposable
{
    private readonly ResizeFilter _filter;
    private readonly Dictionary<(long From, long To, ScalarType Type, string Device), Tensor> _matrices = [];
    private readonly Lock _lock = new();

    /// <summary>Makes a resizer.</summary>
    public Resize(ResizeFilter filter) => _filter = filter;

    /// <summary>[..., H, W] to [..., <paramref name="height"/>, <paramref name="width"/>], in the type of the input. An axis that keeps its size is left alone.</summary>
    /// <param name="images">The pictures, of a floating-point type.</param>
    /// <param name="height">Rows of the result.</param>
    /// <param name="width">Columns of the result.</param>
    public Tensor Forward(Tensor images, long height, long width)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        var (rows, columns) = (images.shape[^2], images.shape[^1]);
        if (columns != width) images = images.matmul(Matrix(columns, width, images).transpose(0, 1));
        if (rows != height) images = Matrix(rows, height, images).matmul(images);
        return images;
    }

    /// <summary>Frees the matrices.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var matrix in _matrices.Values) matrix.Dispose();
            _matrices.Clear();
        }
    }

    private Tensor Matrix(long from, long to, Tensor like)
    {
        var key = (from, to, like.dtype, like.device.ToString());
        lock (_lock)
        {
            if (_matrices.TryGetValue(key, out var known)) return known;
            using var scope = NewDisposeScope();
            var made = tensor(ResizeWeights.Matrix(from, to, _filter), [to, from], dtype: float64).to(like.dtype).to(like.device).DetachFromDisposeScope();
            return _matrices[key] = made;
        }
    }
}
