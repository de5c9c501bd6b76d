using LeapAlign.Contracts.Weights;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Layers;

/// <summary>A table of vectors, looked up by number.</summary>
public sealed class Embedding
{
    private readonly Weight _table;

    /// <summary>Declares <c>weight</c> [rows, width].</summary>
    public Embedding(WeightScope scope, long rows, long width) => _table = scope.Weight("weight", ParameterRole.Embedding, rows, width);

    /// <summary>[...] int64 to [..., width].</summary>
    /// <remarks>An index expression, because the "meta" device has no index_select.</remarks>
    public Tensor Forward(Tensor ids) => _table.Value[ids];

    /// <summary>The first rows, in order: [count, width].</summary>
    public Tensor First(long count) => _table.Value.narrow(0, 0, count);
}
