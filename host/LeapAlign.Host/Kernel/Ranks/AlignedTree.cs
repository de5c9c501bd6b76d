using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Ranks;

/// <summary>Sums in an aligned binary tree, ((0 + 1) + (2 + 3)): over shards in a process and over processes the same sum, however shards are shared out.</summary>
internal static class AlignedTree
{
    /// <summary>Adds rows up into the first; the others are used up.</summary>
    public static Tensor Sum(IReadOnlyList<Tensor> rows)
    {
        for (var step = 1; step < rows.Count; step *= 2)
        {
            for (var row = 0; row + step < rows.Count; row += 2 * step) rows[row].add_(rows[row + step]);
        }
        return rows[0];
    }
}
