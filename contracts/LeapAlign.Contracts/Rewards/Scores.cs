using static TorchSharp.torch;

namespace LeapAlign.Contracts.Rewards;

/// <summary>What the trained rewards of a run gave a batch of pictures. It does not own its tensors.</summary>
/// <param name="columns">One for each trained reward, at least one.</param>
public sealed class Scores(IReadOnlyList<RewardColumn> columns)
{
    /// <summary>One for each trained reward.</summary>
    public IReadOnlyList<RewardColumn> Columns { get; } = columns;

    /// <summary><c>Σ weight · value</c>, [B], with the gradients of the columns.</summary>
    public Tensor Total
    {
        get
        {
            var total = Weighted(Columns[0]);
            foreach (var column in Columns.Skip(1)) total += Weighted(column);
            return total;
        }
    }

    /// <summary>The scores of a run with one reward.</summary>
    /// <param name="values">[B].</param>
    public static Scores Of(Tensor values) => new([new RewardColumn("reward", 1, values)]);

    private static Tensor Weighted(RewardColumn column) => column.Variable is { } weight ? column.Values * weight : column.Weight == 1 ? column.Values : column.Values * column.Weight;
}

/// <summary>One reward's scores.</summary>
/// <param name="name">The reward's name in the run.</param>
/// <param name="weight">Its factor in the sum that is trained.</param>
/// <param name="values">[B], after the reward's own offset and scale.</param>
public sealed class RewardColumn(string name, double weight, Tensor values)
{
    /// <summary>The reward's name in the run.</summary>
    public string Name { get; } = name;

    /// <summary>Its factor in the sum that is trained.</summary>
    public double Weight { get; } = weight;

    /// <summary>[B].</summary>
    public Tensor Values { get; } = values;

    /// <summary>The same factor as a scalar with a gradient, where an optimizer chooses it; null otherwise.</summary>
    public Tensor? Variable { get; init; }
}
