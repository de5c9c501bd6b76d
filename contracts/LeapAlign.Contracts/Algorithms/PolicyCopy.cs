namespace LeapAlign.Contracts.Algorithms;

/// <summary>
/// A lagged copy of the policy, which begins as the policy itself: after each step <c>θ_copy ← d θ_copy + (1 − d) θ</c>.
/// </summary>
/// <param name="Name">What <see cref="AlignmentStep.Use"/> calls it.</param>
/// <param name="Decay">d in [0, 1] after the step of that number, from 0; 0 copies the policy.</param>
public sealed record PolicyCopy(string Name, Func<int, double> Decay)
{
    /// <summary>The name of the policy that training started from. A run keeps it when <c>run.reference</c> is set.</summary>
    public const string Reference = "reference";
}
