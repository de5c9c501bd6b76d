namespace LeapAlign.Methods.Quadrature;

/// <summary>Makes up for the steps of a path that carry no gradient (FlowBP, arXiv 2606.11075).</summary>
public static class GradientRescale
{
    private const double SmallestSum = 1e-8;

    /// <summary><c>f = 1 + s (Σ|W| / Σ_active |W| − 1)</c>: with s = 1 the active weights amount to those of the whole path.</summary>
    /// <param name="strength">s in [0, 1]; 0 leaves gradients as they are.</param>
    /// <param name="whole">The weights of the whole path.</param>
    /// <param name="active">The weights of its active steps.</param>
    /// <returns>1 where the active weights amount to nothing.</returns>
    public static double Factor(double strength, IEnumerable<double> whole, IEnumerable<double> active)
    {
        var sum = active.Sum(Math.Abs);
        return sum <= SmallestSum ? 1 : 1 + (strength * ((whole.Sum(Math.Abs) / sum) - 1));
    }
}
