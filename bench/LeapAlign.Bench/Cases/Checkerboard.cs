using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>Eight dark squares of a board of four by four around the origin.</summary>
internal static class Checkerboard
{
    /// <summary>Points of it, [count, 2].</summary>
    public static Tensor Points(RandomKey key, int count)
    {
        using var scope = NewDisposeScope();
        var uniform = Uniform(key, count, 3);
        var square = (uniform.select(1, 0) * 8).floor().clamp(0, 7);
        var column = (square / 2).floor();
        var row = ((square - (column * 2)) * 2) + (column - ((column / 2).floor() * 2));
        return (stack([column, row], 1) + uniform.narrow(1, 1, 2) - 2).MoveToOuterDisposeScope();
    }

    /// <summary>Numbers in [0, 1), [count, columns].</summary>
    public static Tensor Uniform(RandomKey key, int count, int columns)
    {
        using var generator = new Generator(key.Open().NextBits(), CPU);
        return rand([count, columns], generator: generator);
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
}

/// <summary>What points are like.</summary>
/// <param name="Right">The share in the right half.</param>
/// <param name="Off">The share off the dark squares.</param>
/// <param name="Distance">The mean distance from the origin.</param>
internal sealed record PointFigures(double Right, double Off, double Distance)
{
    public override string ToString() => FormattableString.Invariant($"right half {Right:0.000}  off the squares {Off:0.000}  distance {Distance:0.00}");
}
