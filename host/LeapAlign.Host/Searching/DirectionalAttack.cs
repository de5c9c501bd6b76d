namespace LeapAlign.Host.Searching;

/// <summary>The length of an attack.</summary>
internal enum AttackNorm
{
    /// <summary><c>x + r s / ‖s‖</c>.</summary>
    Euclidean,

    /// <summary><c>x + r sign s</c>.</summary>
    Largest,
}

/// <summary>Candidates along a slope, which is that of a model of what is searched for: <c>s = J_Φᵀ ∇f</c> (Bouchet and Vidal 2025, arXiv 2510.01461).</summary>
/// <param name="slope">s at a point.</param>
/// <param name="norm">How far r goes.</param>
/// <param name="radii">r in units of d, the first tried first; null for 4 and 1.</param>
/// <param name="within">Brings a candidate to where points are allowed to be, where that is known; null leaves it.</param>
internal sealed class DirectionalAttack(Func<double[], double[]> slope, AttackNorm norm = AttackNorm.Euclidean, IReadOnlyList<double>? radii = null, Func<double[], double[]>? within = null)
{
    private static readonly double[] s_radii = [4, 1];

    /// <summary>The candidates of a round; none where there is no slope.</summary>
    /// <param name="point">x.</param>
    /// <param name="radius">d.</param>
    public IEnumerable<double[]> Points(double[] point, double radius)
    {
        var direction = slope(point);
        var length = Math.Sqrt(direction.Sum(static s => s * s));
        return length > 0 && double.IsFinite(length)
            ? (radii ?? s_radii).Select(factor => Within([.. point.Zip(direction, (x, s) => x + (factor * radius * (norm == AttackNorm.Euclidean ? s / length : Math.Sign(s))))]))
            : [];
    }

    private double[] Within(double[] point) => within?.Invoke(point) ?? point;
}
