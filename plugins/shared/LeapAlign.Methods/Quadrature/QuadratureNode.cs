namespace LeapAlign.Methods.Quadrature;

/// <summary>A velocity's part in a leap: <c>W sg(v) + W' (v − sg(v))</c>, whose value is W v and whose gradient is W' ∂v.</summary>
/// <param name="Step">The step whose velocity it is.</param>
/// <param name="Weight">W.</param>
/// <param name="GradientWeight">W'; null where the velocity is a constant and is evaluated without gradient.</param>
public readonly record struct QuadratureNode(int Step, double Weight, double? GradientWeight);
