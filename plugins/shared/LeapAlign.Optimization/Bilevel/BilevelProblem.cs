using static TorchSharp.torch;

namespace LeapAlign.Optimization.Bilevel;

/// <summary>A constraint g ≤ 0, or g = 0, at a place.</summary>
/// <param name="Value">g.</param>
/// <param name="ByUpper">∇_x g, [n]; null where it does not depend on x.</param>
/// <param name="ByLower">∇_y g, one for each tensor of y; null where it does not depend on it.</param>
public sealed record ConstraintAt(double Value, Tensor? ByUpper, IReadOnlyList<Tensor?> ByLower);

/// <summary>The lower problem at a place.</summary>
/// <param name="ByUpper">∇_x f, [n]; null where it does not depend on x.</param>
/// <param name="ByLower">∇_y f, one for each tensor of y.</param>
/// <param name="Constraints">Always the same number.</param>
public sealed record LowerAt(Tensor? ByUpper, IReadOnlyList<Tensor?> ByLower, IReadOnlyList<ConstraintAt> Constraints);

/// <summary>The gradient of the upper objective F.</summary>
/// <param name="ByUpper">∇_x F, [n]; null where it does not depend on x.</param>
/// <param name="ByLower">∇_y F.</param>
public sealed record UpperAt(Tensor? ByUpper, IReadOnlyList<Tensor?> ByLower);

/// <summary><c>min F(x, y)</c> over x and y, where y minimises f(x, ·) under g(x, ·) ≤ 0.</summary>
public interface IBilevelProblem
{
    /// <summary>f and g at a place.</summary>
    /// <param name="upper">x, [n], fp64.</param>
    /// <param name="lower">y.</param>
    /// <param name="who">Which of the three places of a step it is.</param>
    LowerAt Lower(Tensor upper, IReadOnlyList<Tensor> lower, LowerPlace who);

    /// <summary>∇F at a place.</summary>
    UpperAt Upper(Tensor upper, IReadOnlyList<Tensor> lower);

    /// <summary>Puts x and y, changed by a step, back onto {g ≤ 0} and what else binds them.</summary>
    /// <param name="upper">x, to be changed.</param>
    /// <param name="lower">y, to be changed.</param>
    /// <param name="before">f and g where the step began.</param>
    /// <param name="moved">How far y has moved.</param>
    void Project(Tensor upper, IReadOnlyList<Tensor> lower, LowerAt before, IReadOnlyList<Tensor> moved);
}

/// <summary>A place at which the lower problem is asked for.</summary>
public enum LowerPlace
{
    /// <summary>θ, before its step.</summary>
    Solver,

    /// <summary>θ behind its step: derivatives in x alone are used.</summary>
    Solved,

    /// <summary>y.</summary>
    Own,
}

/// <summary>The numbers of LV-HBA.</summary>
public sealed record BilevelForm
{
    /// <summary>The rate of x.</summary>
    public required double UpperRate { get; init; }

    /// <summary>The rate of y. The paper has one rate for both, which is a choice of units.</summary>
    public required double Rate { get; init; }

    /// <summary>η of θ.</summary>
    public required double LowerRate { get; init; }

    /// <summary>η of λ.</summary>
    public required double MultiplierRate { get; init; }

    /// <summary>β, of z.</summary>
    public required double CentreRate { get; init; }

    /// <summary>γ1, the proximity of θ to y.</summary>
    public required double Proximity { get; init; }

    /// <summary>γ2, the proximity of λ to z.</summary>
    public required double MultiplierProximity { get; init; }

    /// <summary>c0.</summary>
    public double Penalty { get; init; } = 1;

    /// <summary>p, in [0, 1/2): c = c0 (k + 1)^p.</summary>
    public double PenaltyPower { get; init; } = 0.3;

    /// <summary>r: multipliers lie in [0, r], those of equalities in [−r, r].</summary>
    public double Bound { get; init; } = 1000;

    /// <summary>Whether constraints are equalities.</summary>
    public bool Equalities { get; init; }
}
