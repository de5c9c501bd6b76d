using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.State;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Kernel.Ranks;

/// <summary>A state of which each process keeps the part of its share of the parameters.</summary>
internal interface IStateInShares : IStateful
{
    /// <summary>What this process keeps, whether or not more was brought to it.</summary>
    PartState SaveOwn();
}

/// <summary>What one process writes of a state where all of them write a checkpoint: together they write each tensor once.</summary>
/// <param name="state">The state.</param>
/// <param name="alike">Whether every process has the same of it, so that each can write a piece; otherwise the first writes all, unless processes keep it in shares.</param>
/// <param name="ranks">The processes.</param>
internal sealed class StateShare(IStateful state, bool alike, RunRanks ranks) : IStateful
{
    /// <summary>The shares of one process.</summary>
    /// <param name="states">The states by name.</param>
    /// <param name="first">The names of those that the first process writes.</param>
    /// <param name="ranks">The processes.</param>
    public static IEnumerable<(string Name, IStateful State)> Of(IEnumerable<(string Name, IStateful State)> states, IEnumerable<string> first, RunRanks ranks)
    {
        var ofFirst = first.ToHashSet(StringComparer.Ordinal);
        return states.Select(state => (state.Name, (IStateful)new StateShare(state.State, !ofFirst.Contains(state.Name), ranks)));
    }

    public int StateVersion => state.StateVersion;

    public PartState Save()
    {
        if (state is IStateInShares shared) return shared.SaveOwn();
        var whole = state.Save();
        if (alike) return new PartState(whole.Version, [.. Piece(whole.Tensors)], ranks.Rank == 0 ? whole.Numbers : s_none);
        return ranks.Rank == 0 ? whole : new PartState(whole.Version, [], s_none);
    }

    /// <summary>A share is written, and never read by itself.</summary>
    /// <exception cref="NotSupportedException">Always.</exception>
    public Result<Unit> Load(PartState state) => throw new NotSupportedException();

    private static readonly Dictionary<string, double> s_none = [];

    // Pieces of about as many bytes, in the order of tensors; a tensor is not cut.
    private IEnumerable<NamedTensor> Piece(IReadOnlyList<NamedTensor> tensors)
    {
        static long Bytes(NamedTensor tensor) => tensor.Value.numel() * tensor.Value.element_size();
        var (all, before) = (tensors.Sum(Bytes), 0L);
        foreach (var tensor in tensors)
        {
            var middle = before + (Bytes(tensor) / 2);
            if (Math.Min(ranks.World - 1, all == 0 ? 0 : (int)((double)middle / all * ranks.World)) == ranks.Rank) yield return tensor;
            before += Bytes(tensor);
        }
    }
}
