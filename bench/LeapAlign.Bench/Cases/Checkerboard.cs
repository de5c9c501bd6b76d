using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>Eight dark squares of a board of four by four around the origin.</summary>
internal static class Checkerboard
{
    private const int Cells = 4, Bins = 32;

    /// <summary>Points of it, [count, 2].</summary>
    public static Tensor Points(RandomKey key, int count)
    {
        using var scope = NewDisposeScope();
        var uniform = Uniform(key, count, 3);
        return (Corners((uniform.select(1, 0) * 8).floor().clamp(0, 7)) + uniform.narrow(1, 1, 2) - 2).MoveToOuterDisposeScope();
    }

    /// <summary>Numbers in [0, 1), [count, columns].</summary>
    public static Tensor Uniform(RandomKey key, int count, int columns)
    {
        using var generator = new Generator(key.Open().NextBits(), CPU);
        return rand([count, columns], generator: generator);
    }

    /// <summary>Points of it by cells and places of two keys, [count, 2].</summary>
    public static Tensor Draw(RandomKey key, int count)
    {
        using var scope = NewDisposeScope();
        return (Corners((Unit(key.For("cell"), count) * 8).floor()) + Unit(key.For("place"), count, 2) - 2).MoveToOuterDisposeScope();
    }

    /// <summary>Uniform in (0, 1), of any shape.</summary>
    public static Tensor Unit(RandomKey key, params long[] shape)
    {
        using var scope = NewDisposeScope();
        return ((key.Normal(shape, CPU) / Math.Sqrt(2)).erf().add(1) * 0.5).MoveToOuterDisposeScope();
    }

    /// <summary>The Kullback-Leibler divergence from the distribution to a histogram of points, 32 bins to a side with half a count added to each.</summary>
    /// <param name="points">[n, 2].</param>
    public static double Divergence(Tensor points)
    {
        var counts = Enumerable.Repeat(0.5, Bins * Bins).ToArray();
        using var contiguous = points.contiguous();
        var values = contiguous.data<float>().ToArray();
        for (var point = 0; point < values.Length; point += 2)
        {
            var (x, y) = (Bin(values[point]), Bin(values[point + 1]));
            if (x is >= 0 and < Bins && y is >= 0 and < Bins) counts[(x * Bins) + y]++;
        }
        var (total, inside) = (counts.Sum(), Enumerable.Range(0, Bins * Bins).Where(static bin => ((bin / Bins / (Bins / Cells)) + (bin % Bins / (Bins / Cells))) % 2 == 0).ToArray());
        return inside.Sum(bin => Math.Log(total / inside.Length / counts[bin])) / inside.Length;
    }

    /// <summary>What of points lies in the right half, what off the dark squares, and how far they are from the origin.</summary>
    public static PointFigures Measure(Tensor points)
    {
        using var scope = NewDisposeScope();
        var cells = (points + 2).floor();
        var sum = cells.sum([1L]);
        var inside = cells.ge(0).logical_and(cells.lt(4)).all(1).logical_and((sum - ((sum / 2).floor() * 2)).eq(0));
        double Mean(Tensor values) => values.to(ScalarType.Float64).mean().item<double>();
        return new(Mean(points.select(1, 0).gt(0)), 1 - Mean(inside), Mean(points.square().sum([1L]).sqrt()));
    }

    // The lower left corners of squares 0 to 7, from the corner of the board.
    private static Tensor Corners(Tensor square)
    {
        var column = (square / 2).floor();
        var row = ((square - (column * 2)) * 2) + (column - ((column / 2).floor() * 2));
        return stack([column, row], 1);
    }

    private static int Bin(float value) => (int)Math.Floor((value + 2) * (Bins / Cells));
}

/// <summary>What points are like.</summary>
/// <param name="Right">The share in the right half.</param>
/// <param name="Off">The share off the dark squares.</param>
/// <param name="Distance">The mean distance from the origin.</param>
internal sealed record PointFigures(double Right, double Off, double Distance)
{
    public override string ToString() => FormattableString.Invariant($"right half {Right:0.000}  off the squares {Off:0.000}  distance {Distance:0.00}");
}
