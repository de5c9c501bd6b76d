using LeapAlign.Contracts.Adapters;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel;

/// <summary>Samples that wear the same adapters.</summary>
/// <param name="Names">The adapters, in the order of their names.</param>
/// <param name="Places">The places of the samples in their batch, rising.</param>
internal sealed record WornGroup(IReadOnlyList<string> Names, int[] Places);

/// <summary>Evaluates a batch whose samples wear adapters: those that wear the same together, and each with what it wears.</summary>
/// <param name="adapter">The run's adapter; null where all weights are trained.</param>
internal sealed class WornAdapters(IAttachedAdapter? adapter)
{
    /// <summary>The groups of a batch, in the order of their first samples.</summary>
    /// <param name="worn">What each sample wears; empty where none wears anything.</param>
    /// <param name="samples">B.</param>
    public static IReadOnlyList<WornGroup> Groups(IReadOnlyList<IReadOnlyList<string>> worn, int samples) => worn.Count == 0
        ? [new WornGroup([], [.. Enumerable.Range(0, samples)])]
        : [.. worn.Select(static (names, place) => (Names: names.Order(StringComparer.Ordinal).ToArray(), Place: place)).GroupBy(static own => string.Join('\0', own.Names), StringComparer.Ordinal)
            .Select(static group => new WornGroup(group.First().Names, [.. group.Select(static own => own.Place)]))];

    /// <summary>Evaluates the groups of a batch.</summary>
    /// <param name="groups">Those of all samples.</param>
    /// <param name="evaluate">Evaluates the samples of a group, the number of which it is told: from their rows to as many. Where there is one group it has all.</param>
    /// <param name="rows">[B, ...].</param>
    /// <returns>[B, ...], in the scope of the caller.</returns>
    /// <exception cref="NotSupportedException">Something is worn, and the run's adapter holds no candidates.</exception>
    public Tensor Each(IReadOnlyList<WornGroup> groups, Tensor rows, Func<int, Tensor, Tensor> evaluate)
    {
        if (groups is [var all]) return Wearing(all, () => evaluate(0, rows));
        using var scope = NewDisposeScope();
        var found = new Tensor[rows.shape[0]];
        for (var number = 0; number < groups.Count; number++)
        {
            var (group, own) = (groups[number], number);
            // As MicroBatch.Select: indexing needs values, which tensors on the "meta" device have none of.
            var evaluated = Wearing(group, () => evaluate(own, stack([.. group.Places.Select(place => rows.select(0, place))])));
            for (var row = 0; row < group.Places.Length; row++) found[group.Places[row]] = evaluated.select(0, row);
        }
        return stack(found).MoveToOuterDisposeScope();
    }

    private Tensor Wearing(WornGroup group, Func<Tensor> evaluate)
    {
        if (group.Names.Count == 0) return evaluate();
        if (adapter is not ICandidateAdapters candidates) throw new NotSupportedException("the run's adapter holds no others: the part that has samples wear some does not require the capability 'adapter-candidates'");
        using var _ = candidates.Wear(group.Names);
        return evaluate();
    }
}
