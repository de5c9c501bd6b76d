using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>Eight unit cells of a checkerboard over [-2, 2]²: a distribution whose flow has curved paths.</summary>
internal static class Checkerboard
{
    private const int Cells = 4, Bins = 32;

    /// <summary>Points of the distribution, [n, 2].</summary>
    public static Tensor Draw(RandomKey key, int count)
    {
        using var scope = NewDisposeScope();
        var cell = (Uniform(key.For("cell"), count) * 8).floor();
        var column = (cell / 2).floor();
        var row = ((cell - (2 * column)) * 2) + (column - ((column / 2).floor() * 2));
        var corner = stack([column, row], 1);
        return (corner + Uniform(key.For("place"), count, 2) - 2).MoveToOuterDisposeScope();
    }

    /// <summary>Uniform in (0, 1).</summary>
    public static Tensor Uniform(RandomKey key, params long[] shape)
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

    private static int Bin(float value) => (int)Math.Floor((value + 2) * (Bins / Cells));
}
