using static TorchSharp.torch;

namespace LeapAlign.Contracts.Solvers;

/// <summary>A place with what was evaluated there.</summary>
internal sealed record ConstrainedIterate(ConstrainedProblem Problem, Tensor Point, Tensor Multipliers)
{
    public ConstrainedAt At { get; private init; } = Problem(Point, Multipliers);

    public int Constraints => (int)Multipliers.shape[0];

    public Tensor LagrangianGradient => At.Gradient + At.Jacobian.t().mv(Multipliers);

    public double Residual => Math.Sqrt((LagrangianGradient.square().sum() + At.Constraints.square().sum()).item<double>());

    public ConstrainedIterate Moved(Tensor direction, double length) =>
        new(Problem, Point + (direction.narrow(0, 0, Point.shape[0]) * length), Multipliers + (direction.narrow(0, Point.shape[0], Constraints) * length));

    public ConstrainedIterate MoveTo(TorchSharp.DisposeScope scope)
    {
        foreach (var tensor in new[] { Point, Multipliers, At.Gradient, At.Constraints, At.Jacobian }) tensor.MoveToOtherDisposeScope(scope);
        return this;
    }

    public ConstrainedSolution Solution(int iterations, long projections)
    {
        foreach (var tensor in new[] { Point, Multipliers, At.Gradient, At.Constraints, At.Jacobian }) tensor.MoveToOuterDisposeScope();
        return new ConstrainedSolution(Point, Multipliers, At, iterations, projections, Residual);
    }
}

/// <summary>The exact augmented Lagrangian <c>A = f + λᵀc + (η1/2) ‖c‖² + (η2/2) ‖∇L‖²</c>, by which steps of <see cref="ConstrainedNewton"/> are judged.</summary>
/// <param name="ConstraintWeight">η1.</param>
/// <param name="GradientWeight">η2.</param>
internal sealed record AugmentedLagrangian(double ConstraintWeight, double GradientWeight)
{
    // ν, as published.
    private const double Growth = 1.5;

    /// <summary>Whether its weights are not changed any more.</summary>
    public bool IsAtItsEnd => ConstraintWeight > 1e8 || GradientWeight < 1e-8;

    /// <summary>A.</summary>
    public double Of(ConstrainedIterate at) => at.At.Value + ((at.Multipliers.dot(at.At.Constraints) + (at.At.Constraints.square().sum() * (ConstraintWeight / 2)) + (at.LagrangianGradient.square().sum() * (GradientWeight / 2))).item<double>());

    /// <summary>∇A in x and λ: <c>(∇L + η2 W ∇L + η1 Gᵀc, c + η2 G ∇L)</c>, with W the Hessian of the Lagrangian.</summary>
    public Tensor Gradient(ConstrainedAt at, Tensor hessian, Tensor lagrangian) => cat([
        lagrangian + (hessian.mv(lagrangian) * GradientWeight) + (at.Jacobian.t().mv(at.Constraints) * ConstraintWeight),
        at.Constraints + (at.Jacobian.mv(lagrangian) * GradientWeight)]);

    /// <summary>Whether a direction falls fast enough: <c>∇Aᵀd ≤ −(η2/2) ‖b‖²</c>.</summary>
    /// <param name="slope">∇Aᵀd.</param>
    /// <param name="right">‖b‖, the length of (∇L, c).</param>
    public bool Falls(double slope, double right) => slope <= -GradientWeight / 2 * right * right;

    /// <summary>Weights that more directions fall along, and a finer accuracy: η1 ν², η2 / ν and δ / ν⁴.</summary>
    /// <param name="accuracy">δ.</param>
    public (AugmentedLagrangian Merit, double Accuracy) Sharper(double accuracy) => (new(ConstraintWeight * Growth * Growth, GradientWeight / Growth), accuracy / Math.Pow(Growth, 4));

    /// <summary>The accuracy at which inexact directions still fall: <c>(½ − β) η2 / ((1 + η1 + η2) Υ² Ψ²)</c>.</summary>
    /// <param name="of">Ψ and Υ (<see cref="KktSystem.Bounds"/>).</param>
    /// <param name="slope">β.</param>
    public double Bound((double Psi, double Upsilon) of, double slope) => (0.5 - slope) * GradientWeight / ((1 + ConstraintWeight + GradientWeight) * of.Upsilon * of.Upsilon * of.Psi * of.Psi);
}
