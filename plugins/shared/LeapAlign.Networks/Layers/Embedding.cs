using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Layers;

/// <summary>A table of vectors, looked up by number.</summary>
public sealed class Embedding
{
    private readonly Weight _table;
    private readonly long _width;

    /// <summary>Declares <c>weight</c> [rows, width].</summary>
    public Embedding(WeightScope scope, long rows, long width)
    {
        _table = scope.Weight("weight", rows, width);
        _width = width;
    }

    /// <summary>[...] int64 to [..., width].</summary>
    public Tensor Forward(Tensor ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        return _table.Value.index_select(0, ids.flatten()).view([.. ids.shape, _width]);
    }

    /// <summary>The first rows, in order: [count, width].</summary>
    public Tensor First(long count) => _table.Value.narrow(0, 0, count);
}
