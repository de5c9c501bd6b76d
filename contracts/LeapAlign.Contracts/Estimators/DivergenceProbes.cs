using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Estimators;

/// <summary>
/// How the D dimensions of a divergence are sampled, in two stages: some blocks of a partition without replacement, and in each some vectors of signs that are zero outside it. One block of all dimensions is
/// the sign probe of Hutchinson (1990), blocks of one dimension are sampled coordinates, tiles of pictures lie between.
/// </summary>
public sealed class DivergenceProbes
{
    private readonly int[]? _blocks;

    private DivergenceProbes(int dimensions, int count, int sampled, int draws, int[]? blocks) =>
        (Dimensions, Count, Sampled, Draws, _blocks) = (dimensions, count, sampled, draws, blocks);

    /// <summary>D.</summary>
    public int Dimensions { get; }

    /// <summary>n, the blocks of the partition.</summary>
    public int Count { get; }

    /// <summary>How many of them are sampled.</summary>
    public int Sampled { get; }

    /// <summary>Vectors of signs in each of these.</summary>
    public int Draws { get; }

    /// <summary>Products with the transposed Jacobian, each a backward.</summary>
    public int Products => Sampled * Draws;

    /// <summary>Whether nothing is left to chance: the variance is 0.</summary>
    public bool IsExact => Count == Dimensions && Sampled == Count;

    /// <summary>Vectors of signs over all dimensions: variance <c>Σ_{i&lt;j} (J_ij + J_ji)²</c> for each.</summary>
    /// <param name="shape">Of one sample, [C, ...].</param>
    /// <param name="products">How many.</param>
    public static DivergenceProbes Signs(IReadOnlyList<long> shape, int products) => new(Size(shape), 1, 1, AtLeastOne(products), null);

    /// <summary>Coordinates without replacement: variance <c>D² Var(J_ii) (D − k) / ((D − 1) k)</c>. Less than that of signs only where J is nearly diagonal.</summary>
    /// <param name="shape">Of one sample, [C, ...].</param>
    /// <param name="products">k; more than D are D.</param>
    public static DivergenceProbes Coordinates(IReadOnlyList<long> shape, int products) =>
        new(Size(shape), Size(shape), Math.Min(Size(shape), AtLeastOne(products)), 1, null);

    /// <summary>All coordinates, each once: D products, no variance.</summary>
    /// <param name="shape">Of one sample, [C, ...].</param>
    public static DivergenceProbes Exact(IReadOnlyList<long> shape) => Coordinates(shape, Size(shape));

    /// <summary>
    /// Tiles without replacement, with two vectors of signs at least in each, from which the share of chance within a tile is known. A tile of [C, h, w] is a square with all its channels; of [L, C] a run of
    /// so many tokens as the square has, of [D] a run of numbers.
    /// </summary>
    /// <param name="shape">Of one sample, [C, ...].</param>
    /// <param name="tile">The side of the square; tiles at the lower and right edge may be smaller.</param>
    /// <param name="products">Twice the tiles that are sampled, at least 4; more than there are, are all.</param>
    public static DivergenceProbes Tiles(IReadOnlyList<long> shape, int tile, int products)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentOutOfRangeException.ThrowIfLessThan(tile, 1);
        var blocks = Partition(shape, tile);
        var count = blocks.Max() + 1;
        var sampled = Math.Min(count, Math.Max(2, AtLeastOne(products) / 2));
        return new DivergenceProbes(blocks.Length, count, sampled, Math.Max(2, products / sampled), blocks);
    }

    /// <summary>The blocks of one sample.</summary>
    internal int[] Choose(RandomKey key) => Sampled == Count ? [.. Enumerable.Range(0, Count)] : SampledDimensions.Draw(key.For("blocks").Open(), Count, Sampled);

    /// <summary>A probe of one sample, flat, [D], fp32.</summary>
    /// <param name="key">The key of the sample.</param>
    /// <param name="block">Its block.</param>
    /// <param name="number">Its number among the products.</param>
    /// <param name="device">Where it goes.</param>
    internal Tensor Probe(RandomKey key, int block, int number, Device device)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        // The sign of a single coordinate cancels in z Jᵀ z.
        if (Count == Dimensions) return zeros(Dimensions, dtype: ScalarType.Float32, device: device).index_fill_(0, tensor([(long)block], device: device), 1).MoveToOuterDisposeScope();
        var signs = (key.For("signs", number).Normal([Dimensions], device).ge(0).to(ScalarType.Float32) * 2) - 1;
        var probe = _blocks is null ? signs : signs * tensor(_blocks, dtype: ScalarType.Int32, device: device).eq(block).to(ScalarType.Float32);
        return probe.MoveToOuterDisposeScope();
    }

    private static int[] Partition(IReadOnlyList<long> shape, int tile)
    {
        var size = Size(shape);
        if (shape.Count != 3)
        {
            // Tokens of [L, C] or numbers of [D], in runs.
            var width = shape.Count == 1 ? 1 : size / (int)shape[0];
            return [.. Enumerable.Range(0, size).Select(i => i / width / (tile * tile))];
        }
        var (rows, columns) = ((int)shape[1], (int)shape[2]);
        var across = (columns + tile - 1) / tile;
        return [.. Enumerable.Range(0, size).Select(i => ((i / columns % rows) / tile * across) + (i % columns / tile))];
    }

    private static int Size(IReadOnlyList<long> shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return checked((int)shape.Aggregate(1L, static (product, size) => checked(product * size)));
    }

    private static int AtLeastOne(int products)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(products, 1);
        return products;
    }
}
