namespace LeapAlign.Contracts.Algorithms;

/// <summary>What a method costs for each image it trains on, in network evaluations, in the mean over its draws. Guidance doubles it.</summary>
/// <param name="Plain">Evaluations without gradient.</param>
/// <param name="Gradient">Evaluations with gradient, each followed by a backward.</param>
/// <param name="Decoded">Pictures decoded and scored with gradient.</param>
public sealed record NetworkCost(double Plain, double Gradient, double Decoded)
{
    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{Plain:0.##} F + {Gradient:0.##} G + {Decoded:0.##} V");
}
