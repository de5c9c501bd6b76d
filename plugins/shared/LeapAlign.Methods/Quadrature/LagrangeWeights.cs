namespace LeapAlign.Methods.Quadrature;

/// <summary>Quadrature by the polynomial through given nodes.</summary>
public static class LagrangeWeights
{
    /// <summary>
    /// <c>W_m = ∫ ℓ_m(σ) dσ</c>, ℓ_m the Lagrange basis of the nodes: polynomials of a degree below their number are integrated exactly. The weights sum to
    /// the length of the interval; they may be negative, and for many nodes their moduli sum to much more.
    /// </summary>
    /// <param name="nodes">Distinct points.</param>
    /// <param name="from">Where the interval begins.</param>
    /// <param name="to">Where it ends.</param>
    /// <returns>One weight for each node.</returns>
    public static double[] Over(IReadOnlyList<double> nodes, double from, double to)
    {
        ArgumentNullException.ThrowIfNull(nodes);
        // Distances from the beginning of the interval: smaller numbers, less cancellation than in σ itself.
        double[] points = [.. nodes.Select(node => node - from)];
        return [.. points.Select((_, index) => Integral(Basis(points, index), to - from))];
    }

    /// <summary>The coefficients of ℓ_m, the constant first.</summary>
    private static double[] Basis(double[] points, int index)
    {
        double[] polynomial = [1];
        foreach (var other in points.Where((_, position) => position != index))
        {
            var next = new double[polynomial.Length + 1];
            for (var power = 0; power < polynomial.Length; power++)
            {
                var coefficient = polynomial[power] / (points[index] - other);
                next[power + 1] += coefficient;
                next[power] -= other * coefficient;
            }
            polynomial = next;
        }
        return polynomial;
    }

    private static double Integral(double[] polynomial, double length)
    {
        var sum = 0.0;
        for (var power = polynomial.Length - 1; power >= 0; power--) sum = length * ((polynomial[power] / (power + 1)) + sum);
        return sum;
    }
}
