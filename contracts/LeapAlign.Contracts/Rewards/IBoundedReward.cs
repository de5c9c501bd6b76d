namespace LeapAlign.Contracts.Rewards;

/// <summary>A reward that says where its scores lie: one outside is a fault that ends the run, naming reward and caption.</summary>
public interface IBoundedReward
{
    /// <summary>The range.</summary>
    ScoreRange Range { get; }
}

/// <summary>A closed range of scores.</summary>
/// <param name="Lowest">The lowest; may be negative infinity.</param>
/// <param name="Highest">The highest; may be infinity.</param>
public sealed record ScoreRange(double Lowest, double Highest)
{
    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"[{Lowest:G6}, {Highest:G6}]");
}
