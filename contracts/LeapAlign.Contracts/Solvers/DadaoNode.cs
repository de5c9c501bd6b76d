namespace LeapAlign.Contracts.Solvers;

/// <summary>The gradient of a node's function.</summary>
/// <param name="point">x.</param>
/// <param name="gradient">Takes ∇f(x).</param>
public delegate void DadaoGradient(ReadOnlySpan<double> point, Span<double> gradient);

/// <summary>A node of DADAO (<see cref="DadaoRates"/>): x, x̃, y, ỹ, z and z̃, all fp64. Between events it follows a linear flow, which is taken exactly.</summary>
public sealed class DadaoNode
{
    private const int Vectors = DadaoFlow.Vectors;

    private readonly DadaoRates _rates;
    private readonly DadaoFlow _flow;
    private readonly double[][] _vectors;
    private readonly double[] _residual;
    private readonly double[] _shown;

    /// <summary>Begins at a point, at time 0.</summary>
    /// <param name="rates">The constants, the same in all nodes.</param>
    /// <param name="point">x, d numbers; everything else is 0.</param>
    public DadaoNode(DadaoRates rates, ReadOnlySpan<double> point)
    {
        ArgumentNullException.ThrowIfNull(rates);
        (_rates, _flow) = (rates, new DadaoFlow(rates));
        var size = point.Length;
        _vectors = [.. Enumerable.Range(0, Vectors).Select(_ => new double[size])];
        (_residual, _shown) = (new double[size], new double[size]);
        point.CopyTo(_vectors[0]);
    }

    /// <summary>The time of its last event.</summary>
    public double Time { get; private set; }

    /// <summary>x.</summary>
    public ReadOnlySpan<double> Point => _vectors[0];

    /// <summary>z: over all nodes it adds up to 0.</summary>
    public ReadOnlySpan<double> Z => _vectors[4];

    /// <summary>z̃: over all nodes it adds up to 0.</summary>
    public ReadOnlySpan<double> ZTilde => _vectors[5];

    /// <summary>A gradient: <c>ρ = ∇f(x) − νx − ỹ; x −= γρ, x̃ −= γ̃ρ, ỹ += δρ</c>.</summary>
    /// <param name="time">When.</param>
    /// <param name="gradient">∇f.</param>
    public void Descend(double time, DadaoGradient gradient)
    {
        ArgumentNullException.ThrowIfNull(gradient);
        Drift(time);
        var (x, xTilde, yTilde) = (_vectors[0], _vectors[1], _vectors[3]);
        gradient(x, _residual);
        for (var i = 0; i < x.Length; i++)
        {
            var rho = _residual[i] - (_rates.Nu * x[i]) - yTilde[i];
            x[i] -= _rates.Gamma * rho;
            xTilde[i] -= _rates.GammaTilde * rho;
            yTilde[i] += _rates.Delta * rho;
        }
    }

    /// <summary>What the node shows its neighbour in an exchange: y + z. All that leaves it.</summary>
    /// <param name="time">When.</param>
    /// <returns>Until the next call of any method.</returns>
    public ReadOnlySpan<double> Show(double time)
    {
        Drift(time);
        for (var i = 0; i < _shown.Length; i++) _shown[i] = _vectors[2][i] + _vectors[4][i];
        return _shown;
    }

    /// <summary>The other half of an exchange: with w the difference of what both showed, <c>z −= βw, z̃ −= β̃w</c>; the neighbour does the opposite.</summary>
    /// <param name="other">What the neighbour showed.</param>
    public void Meet(ReadOnlySpan<double> other)
    {
        if (other.Length != _shown.Length) throw new ArgumentException($"{other.Length} numbers for {_shown.Length}", nameof(other));
        for (var i = 0; i < _shown.Length; i++)
        {
            var difference = _shown[i] - other[i];
            _vectors[4][i] -= DadaoRates.Beta * difference;
            _vectors[5][i] -= _rates.BetaTilde * difference;
        }
    }

    /// <summary>All that it is, with <see cref="Time"/>: x, x̃, y, ỹ, z and z̃, one after another.</summary>
    public double[] Save() => [.. _vectors.SelectMany(static vector => vector)];

    /// <summary>Goes on from what <see cref="Save"/> gave.</summary>
    /// <param name="state">6 d numbers.</param>
    /// <param name="time">The time of its last event.</param>
    public void Load(ReadOnlySpan<double> state, double time)
    {
        var size = _shown.Length;
        if (state.Length != Vectors * size) throw new ArgumentException($"{state.Length} numbers for {Vectors} vectors of {size}", nameof(state));
        for (var vector = 0; vector < Vectors; vector++) state.Slice(vector * size, size).CopyTo(_vectors[vector]);
        Time = time;
    }

    private void Drift(double time)
    {
        var passed = time - Time;
        ArgumentOutOfRangeException.ThrowIfNegative(passed, nameof(time));
        if (passed == 0) return;
        Span<double> flow = stackalloc double[Vectors * Vectors];
        _flow.After(passed, flow);
        Time = time;
        Span<double> before = stackalloc double[Vectors];
        for (var i = 0; i < _shown.Length; i++)
        {
            for (var vector = 0; vector < Vectors; vector++) before[vector] = _vectors[vector][i];
            for (var row = 0; row < Vectors; row++)
            {
                var sum = 0.0;
                for (var column = 0; column < Vectors; column++) sum += flow[(row * Vectors) + column] * before[column];
                _vectors[row][i] = sum;
            }
        }
    }
}
