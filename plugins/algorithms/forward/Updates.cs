using LeapAlign.Contracts.Algorithms;

namespace LeapAlign.Algorithms.Forward;

/// <summary>
/// A step's objectives in as many optimizer updates as asked for, each the weighted mean of its own. A step in shards has every update in every shard, and an update is the mean
/// over shards.
/// </summary>
internal sealed class Updates
{
    private readonly double[] _shares;
    private readonly int[] _updates;
    private readonly int _count;

    /// <summary>Portions objectives out.</summary>
    /// <param name="weights">One for each objective, positive.</param>
    /// <param name="count">Updates; with fewer objectives in one shard, there are as many as objectives.</param>
    /// <param name="shards">The shard of each objective, from 0; null for one shard.</param>
    /// <param name="shardCount">The shards of this process.</param>
    public Updates(IEnumerable<double> weights, int count, IReadOnlyList<int>? shards = null, int shardCount = 1)
    {
        double[] all = [.. weights];
        (_shares, _updates) = (new double[all.Length], new int[all.Length]);
        // Other processes may have more objectives than this one; they make no fewer updates for it.
        _count = shardCount == 1 ? Math.Min(count, all.Length) : count;
        foreach (var shard in Enumerable.Range(0, all.Length).GroupBy(index => shards?[index] ?? 0))
        {
            int[] own = [.. shard];
            for (var update = 0; update < _count; update++)
            {
                var portion = own[(int)((long)own.Length * update / _count)..(int)((long)own.Length * (update + 1) / _count)];
                var sum = portion.Sum(index => all[index]);
                foreach (var index in portion) (_shares[index], _updates[index]) = (all[index] / sum / shardCount, update);
            }
        }
    }

    /// <summary>The update that an objective belongs to, from 0.</summary>
    public int Of(int objective) => _updates[objective];

    /// <summary>The objectives, update by update, each with its share in its update. The last update ends with the step.</summary>
    /// <param name="objective">Makes one, by its number.</param>
    public IEnumerable<Objective> Descend(Func<int, Objective> objective)
    {
        for (var update = 0; update < _count; update++)
        {
            int[] own = [.. Enumerable.Range(0, _updates.Length).Where(index => _updates[index] == update)];
            for (var place = 0; place < own.Length; place++)
            {
                var shared = objective(own[place]).Times(_shares[own[place]]);
                yield return place == own.Length - 1 && update < _count - 1 ? shared.Updating() : shared;
            }
            if (own.Length == 0 && update < _count - 1) yield return Objective.EndOfUpdate;
        }
    }
}
