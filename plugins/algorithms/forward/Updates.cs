using LeapAlign.Contracts.Algorithms;

namespace LeapAlign.Algorithms.Forward;

/// <summary>A step's objectives in as many optimizer updates as asked for, each the weighted mean of its own.</summary>
internal sealed class Updates
{
    private readonly double[] _weights;
    private readonly int[] _ends;

    /// <summary>Portions objectives out.</summary>
    /// <param name="weights">One for each objective, positive.</param>
    /// <param name="count">Updates; with fewer objectives, there are as many as objectives.</param>
    public Updates(IEnumerable<double> weights, int count)
    {
        _weights = [.. weights];
        var updates = Math.Min(count, _weights.Length);
        _ends = [.. Enumerable.Range(1, updates).Select(update => (int)((long)_weights.Length * update / updates))];
    }

    /// <summary>The update that an objective belongs to, from 0.</summary>
    public int Of(int objective) => Array.FindIndex(_ends, end => objective < end);

    /// <summary>An objective with its share in its update. The last update ends with the step.</summary>
    public Objective Portion(int index, Objective objective)
    {
        var update = Of(index);
        var (first, end) = (update == 0 ? 0 : _ends[update - 1], _ends[update]);
        var shared = objective.Times(_weights[index] / _weights[first..end].Sum());
        return index == end - 1 && end < _weights.Length ? shared.Updating() : shared;
    }
}
