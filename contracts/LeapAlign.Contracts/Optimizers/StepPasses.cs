namespace LeapAlign.Contracts.Optimizers;

/// <summary>
/// How often a step is made for one update of an optimizer: rollout, loss and gradient, each time as dear as the algorithm's step. The step's own is among them; a Hessian times a vector by differences is two.
/// </summary>
/// <param name="Usual">How often in most updates: what a plan counts.</param>
public sealed record StepPasses(double Usual)
{
    /// <summary>Once: an optimizer that takes the gradient it is given.</summary>
    public static StepPasses Once { get; } = new(1);

    /// <summary>The fewest, where they depend on what is found.</summary>
    public double Fewest { get; init; } = Usual;

    /// <summary>The most, where they depend on what is found.</summary>
    public double Most { get; init; } = Usual;

    /// <inheritdoc/>
    public override string ToString() => Fewest == Most ? FormattableString.Invariant($"{Usual:0.##}") : FormattableString.Invariant($"{Usual:0.##} ({Fewest:0.##} to {Most:0.##})");
}
