namespace LeapAlign.Optimization.Games;

/// <summary>
/// What two players that descend with steps of finite length have beside their losses, to second order in the rates (Rosca, Wu, Dherin and Barrett 2021, arXiv 2105.13922): the first follows the flow of
/// <c>L₁ + (s₁/2) ‖∇_φ L₁‖² + i₁ ⟨∇_θ L₁, sg ∇_θ L₂⟩</c>, the second that of the same with the players exchanged.
/// </summary>
/// <param name="FirstSelf">s₁.</param>
/// <param name="FirstInteraction">i₁.</param>
/// <param name="SecondSelf">s₂.</param>
/// <param name="SecondInteraction">i₂.</param>
public sealed record DriftCoefficients(double FirstSelf, double FirstInteraction, double SecondSelf, double SecondInteraction)
{
    /// <summary>Both gradients are taken before either player moves.</summary>
    /// <param name="first">α, the rate of the first player.</param>
    /// <param name="second">λ, that of the second.</param>
    public static DriftCoefficients Simultaneous(double first, double second) => new(first / 2, first / 2, second / 2, second / 2);

    /// <summary>The second player's gradient is taken where the first has moved to.</summary>
    /// <param name="first">α, the rate of the first player.</param>
    /// <param name="second">λ, that of the second.</param>
    /// <param name="firstUpdates">Updates of the first player in a turn, which share its rate.</param>
    /// <param name="secondUpdates">Updates of the second player in a turn.</param>
    public static DriftCoefficients Alternating(double first, double second, int firstUpdates = 1, int secondUpdates = 1) =>
        new(first / 2 / firstUpdates, first / 2, second / 2 / secondUpdates, -second / 2 * ((2 * first / second) - 1));
}
