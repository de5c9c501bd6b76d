using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Solvers;

/// <summary>The system of a Newton step, <c>[[B, Gᵀ], [G, 0]] d = −(∇L, c)</c>, in plain numbers, since sketches touch single rows.</summary>
internal sealed class KktSystem
{
    private KktSystem(Tensor matrix, Tensor right, double curvature)
    {
        (Matrix, Right) = (matrix, right);
        Size = (int)right.shape[0];
        Numbers = matrix.contiguous().data<double>().ToArray();
        RightNumbers = right.data<double>().ToArray();
        (Norm, RightNorm, CurvatureNorm) = (matrix.norm().item<double>(), right.norm().item<double>(), curvature);
    }

    public Tensor Matrix { get; }

    public Tensor Right { get; }

    public int Size { get; }

    /// <summary>Row by row.</summary>
    public double[] Numbers { get; }

    public double[] RightNumbers { get; }

    public double Norm { get; }

    public double RightNorm { get; }

    private double CurvatureNorm { get; }

    public static KktSystem Of(ConstrainedAt at, Tensor lagrangian, Tensor curvature)
    {
        var constraints = at.Jacobian.shape[0];
        var matrix = cat([cat([curvature, at.Jacobian.t()], 1), cat([at.Jacobian, zeros([constraints, constraints], dtype: ScalarType.Float64)], 1)], 0);
        return new KktSystem(matrix, cat([lagrangian, at.Constraints]).neg(), curvature.norm().item<double>());
    }

    /// <summary>Ψ and Υ, which say how accurate a solution has to be.</summary>
    public (double Psi, double Upsilon) Bounds((Tensor Jacobian, Tensor Hessian) at, double rank, double shift) => (
        20 * Math.Max(CurvatureNorm * CurvatureNorm, 1) / (rank * Math.Min(shift, 1)),
        Math.Max(Math.Max(at.Jacobian.norm().item<double>(), at.Hessian.norm().item<double>()), 1));

    public ReadOnlySpan<double> Row(int row) => Numbers.AsSpan(row * Size, Size);

    public static double Dot(ReadOnlySpan<double> first, ReadOnlySpan<double> second)
    {
        double sum = 0;
        for (var i = 0; i < first.Length; i++) sum += first[i] * second[i];
        return sum;
    }

    /// <summary>‖K d − b‖.</summary>
    public double Residual(ReadOnlySpan<double> solution, Span<double> residual)
    {
        double squares = 0;
        for (var row = 0; row < Size; row++)
        {
            residual[row] = Dot(Row(row), solution) - RightNumbers[row];
            squares += residual[row] * residual[row];
        }
        return Math.Sqrt(squares);
    }
}

/// <summary>Solves one system, and goes on when more accuracy is asked for.</summary>
internal abstract class SystemSolver(KktSystem system)
{
    protected KktSystem System { get; } = system;

    protected double[] Solution { get; } = new double[system.Size];

    protected double[] Rest { get; } = [.. system.RightNumbers.Select(static number => -number)];

    /// <summary>d.</summary>
    public virtual Tensor Value => tensor(Solution, ScalarType.Float64);

    /// <summary>Goes on until the residual is small enough.</summary>
    /// <param name="done">Judges ‖K d − b‖.</param>
    /// <param name="most">The most projections.</param>
    /// <returns>Projections.</returns>
    public virtual long Until(Func<double, bool> done, int most)
    {
        // The residual is computed anew after as many projections as there are rows: each costs as much as one of them otherwise.
        long projections = 0;
        var residual = System.Residual(Solution, Rest);
        while (!done(residual) && projections < most)
        {
            for (var i = 0; i < Sweep && projections < most; i++, projections++) Project();
            residual = System.Residual(Solution, Rest);
        }
        return projections;
    }

    /// <summary>Projections between two looks at the residual.</summary>
    protected virtual int Sweep => System.Size;

    protected abstract void Project();
}

/// <summary>All at once.</summary>
internal sealed class ExactSystem(KktSystem system) : SystemSolver(system)
{
    private readonly Tensor _value = linalg.solve(system.Matrix, system.Right);

    public override Tensor Value => _value;

    public override long Until(Func<double, bool> done, int most) => 0;

    protected override void Project()
    {
    }
}

/// <summary>Randomised Kaczmarz: <c>d −= ((K_i d − b_i) / ‖K_i‖²) K_i</c>, i uniform.</summary>
internal sealed class RowProjections(KktSystem system, KeyedRandom random) : SystemSolver(system)
{
    private readonly double[] _squares = SquaresOf(system);

    private static double[] SquaresOf(KktSystem of) => [.. Enumerable.Range(0, of.Size).Select(row => KktSystem.Dot(of.Row(row), of.Row(row)))];

    protected override void Project()
    {
        var row = random.NextInt(0, System.Size);
        if (_squares[row] == 0) return;
        var numbers = System.Row(row);
        var share = (KktSystem.Dot(numbers, Solution) - System.RightNumbers[row]) / _squares[row];
        for (var i = 0; i < numbers.Length; i++) Solution[i] -= share * numbers[i];
    }
}

/// <summary>Gaussian sketches: <c>d −= (sᵀr / ‖Kᵀs‖²) Kᵀs</c>, s ~ N(0, I), r = K d − b.</summary>
internal sealed class MixtureProjections(KktSystem system, KeyedRandom random) : SystemSolver(system)
{
    private readonly double[] _mixture = NumbersOf(system);

    private static double[] NumbersOf(KktSystem of) => new double[of.Size];

    // It needs all rows anyway.
    protected override int Sweep => 1;

    protected override void Project()
    {
        Array.Clear(_mixture);
        double along = 0;
        for (var row = 0; row < System.Size; row++)
        {
            var factor = random.NextNormal();
            along += factor * Rest[row];
            var numbers = System.Row(row);
            for (var i = 0; i < numbers.Length; i++) _mixture[i] += factor * numbers[i];
        }
        var squares = KktSystem.Dot(_mixture, _mixture);
        if (squares == 0) return;
        for (var i = 0; i < _mixture.Length; i++) Solution[i] -= along / squares * _mixture[i];
    }
}
