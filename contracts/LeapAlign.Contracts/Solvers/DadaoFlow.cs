namespace LeapAlign.Contracts.Solvers;

/// <summary>
/// The linear flow of a node of DADAO between two events: <c>ẋ = η(x̃ − x), x̃˙ = η(x − x̃), ẏ = α(ỹ − y), ỹ˙ = −θ(νx̃ + y + z), ż = α(z̃ − z), z̃˙ = α̃(z − z̃)</c>. Its exponential is taken here, by scaling and squaring: one is
/// needed for each event, and a call into libtorch takes twenty times as long as six by six numbers do.
/// </summary>
/// <param name="rates">The constants.</param>
public sealed class DadaoFlow(DadaoRates rates)
{
    /// <summary>x, x̃, y, ỹ, z and z̃.</summary>
    public const int Vectors = 6;

    // At a norm of half, what terms beyond this add is below the last bit.
    private const double Norm = 0.5;
    private const int Terms = 14;

    private readonly double[] _generator =
    [
        -rates.Eta, rates.Eta, 0, 0, 0, 0,
        rates.Eta, -rates.Eta, 0, 0, 0, 0,
        0, 0, -rates.Alpha, rates.Alpha, 0, 0,
        0, -rates.Theta * rates.Nu, -rates.Theta, 0, -rates.Theta, 0,
        0, 0, 0, 0, -rates.Alpha, rates.Alpha,
        0, 0, 0, 0, rates.AlphaTilde, -rates.AlphaTilde,
    ];

    // The largest sum of a row.
    private readonly double _norm = Math.Max(Math.Max(2 * rates.Eta, 2 * rates.Alpha), Math.Max(rates.Theta * (rates.Nu + 2), 2 * rates.AlphaTilde));

    /// <summary>What becomes of the six in a time without events.</summary>
    /// <param name="time">The time, at least 0.</param>
    /// <param name="flow">Takes the 6 × 6 factors, row by row.</param>
    public void After(double time, Span<double> flow)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(time);
        ArgumentOutOfRangeException.ThrowIfNotEqual(flow.Length, Vectors * Vectors);
        var (halvings, part) = (0, time);
        for (var norm = time * _norm; norm > Norm; norm /= 2) (halvings, part) = (halvings + 1, part / 2);
        Span<double> scaled = stackalloc double[Vectors * Vectors];
        Span<double> other = stackalloc double[Vectors * Vectors];
        for (var i = 0; i < scaled.Length; i++) scaled[i] = _generator[i] * part;
        // 1 + A (1 + A/2 (1 + A/3 (...))).
        One(flow);
        for (var term = Terms; term >= 1; term--)
        {
            Product(scaled, flow, other);
            One(flow);
            for (var i = 0; i < other.Length; i++) flow[i] += other[i] / term;
        }
        for (var halving = 0; halving < halvings; halving++)
        {
            Product(flow, flow, other);
            other.CopyTo(flow);
        }
    }

    private static void One(Span<double> matrix)
    {
        matrix.Clear();
        for (var i = 0; i < Vectors; i++) matrix[(i * Vectors) + i] = 1;
    }

    private static void Product(ReadOnlySpan<double> left, ReadOnlySpan<double> right, Span<double> product)
    {
        for (var row = 0; row < Vectors; row++)
        {
            for (var column = 0; column < Vectors; column++)
            {
                var sum = 0.0;
                for (var inner = 0; inner < Vectors; inner++) sum += left[(row * Vectors) + inner] * right[(inner * Vectors) + column];
                product[(row * Vectors) + column] = sum;
            }
        }
    }
}
