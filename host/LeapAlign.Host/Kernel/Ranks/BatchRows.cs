namespace LeapAlign.Host.Kernel.Ranks;

/// <summary>Numbers of the micro-batches of a step, in rows: for each reward, or for each part of a loss.</summary>
internal static class BatchRows
{
    /// <summary>The rows of all processes, added up in the order of processes and their micro-batches, and divided by the number of processes.</summary>
    /// <param name="ranks">The processes of the run.</param>
    /// <param name="what">What they are.</param>
    /// <param name="own">Those of this process, row by row.</param>
    /// <param name="batches">Micro-batches of a row.</param>
    public static double[] MeanRows(this RunRanks ranks, string what, IReadOnlyList<double> own, int batches)
    {
        var all = ranks.Gather(what, own);
        return [.. Enumerable.Range(0, own.Count / batches).Select(row => Enumerable.Range(0, ranks.World).Sum(rank => all.AsSpan((rank * own.Count) + (row * batches), batches).ToArray().Sum()) / ranks.World)];
    }
}
