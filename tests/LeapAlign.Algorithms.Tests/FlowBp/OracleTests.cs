using LeapAlign.Algorithms.FlowBp.Bridge;
using LeapAlign.Algorithms.FlowBp.Lagrange;
using LeapAlign.Algorithms.FlowBp.Sparse;
using LeapAlign.Methods.Leaps;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FlowBp.Tests;

/// <summary>The scalar linear network: derivatives worked out by hand, whether active steps are recorded or evaluated again.</summary>
public sealed class OracleTests
{
    private static readonly LagrangeSettings s_lagrange = new()
    {
        Alpha = 0.3,
        Tau = 0.1,
        Order = 4,
        SupportMode = SupportMode.Start,
        SupportScale = 1,
        MaxActiveSupports = null,
        Hinge = Scalar.Hinge,
    };

    public static TheoryData<double, bool> Strengths() => new(
        from strength in new[] { 0, 0.5, 1 }
        from reforward in new[] { false, true }
        select (strength, reforward));

    [Theory]
    [MemberData(nameof(Strengths))]
    public void Sparse(double strength, bool reforward)
    {
        using var scope = NewDisposeScope();
        var settings = new SparseSettings { GradientRescale = strength, Hinge = Scalar.Hinge, Reforward = reforward };
        var (objective, a, b) = Scalar.Derivatives(new SparseAlgorithm(settings, static (_, _) => [1, 3]));
        Assert.Equal(1 + strength, objective.Measurement("gradient_factor"), 1e-12);
        Assert.Equal(-0.636016 * (1 + strength), a, 1e-12);
        Assert.Equal(-0.28 * (1 + strength), b, 1e-12);
        Assert.Equal(0.9664704, objective.Measurement("reward"), 1e-12);

        (_, a, b) = Scalar.Derivatives(new SparseAlgorithm(settings, static (_, _) => [0, 1, 2, 3]));
        Assert.Equal(-1.309216, a, 1e-12);
        Assert.Equal(-0.63, b, 1e-12);
    }

    [Theory]
    [InlineData(0, 1, -0.862216, -0.372)]
    [InlineData(0.5, 1.2142857142857142, null, null)]
    [InlineData(1, 1.4285714285714286, null, null)]
    public void Bridge(double strength, double factor, double? expectedA, double? expectedB)
    {
        using var scope = NewDisposeScope();
        foreach (var reforward in (bool[])[false, true])
        {
            var settings = new BridgeSettings { Alpha = 0.5, GradientRescale = strength, Hinge = Scalar.Hinge, Reforward = reforward };
            var (objective, a, b) = Scalar.Derivatives(new BridgeAlgorithm(settings, static (_, _) => new(2, [0, 2, 3])));
            Assert.Equal(factor, objective.Measurement("gradient_factor"), 1e-12);
            // Per-step terms Σ Δ v and the nested one: a Δ_2 Δ_0 ∂v_0, which carries f twice.
            Assert.Equal(expectedA ?? (factor * ((-0.2 * 1.5) + (-0.3 * 1.244) + (-0.2 * 1.08008) + (0.5 * factor * -0.3 * 0.6 * -0.2 * 1.5))), a, 1e-12);
            Assert.Equal(expectedB ?? (factor * (-0.2 + (-0.3 * 0.5) + (-0.2 * 0.2) + (0.5 * factor * -0.3 * 0.6 * -0.2))), b, 1e-12);
            Assert.Equal(0.9664704, objective.Measurement("reward"), 1e-12);
        }
    }

    [Theory]
    [InlineData(0.5, -1.0399511, -0.4470306)]
    [InlineData(1, -1.2152065, -0.5204083)]
    public void Bridge_to_the_published_digits(double strength, double expectedA, double expectedB)
    {
        using var scope = NewDisposeScope();
        var settings = new BridgeSettings { Alpha = 0.5, GradientRescale = strength, Hinge = Scalar.Hinge };
        var (_, a, b) = Scalar.Derivatives(new BridgeAlgorithm(settings, static (_, _) => new(2, [0, 2, 3])));
        Assert.Equal(expectedA, a, 2e-7);
        Assert.Equal(expectedB, b, 2e-7);
    }

    [Theory]
    [MemberData(nameof(LagrangeRows))]
    public void Lagrange(LagrangeRow row, bool reforward)
    {
        ArgumentNullException.ThrowIfNull(row);
        using var scope = NewDisposeScope();
        var (objective, a, b) = Scalar.Derivatives(new LagrangeAlgorithm(row.Settings with { Reforward = reforward }, (_, _) => row.Pair));
        Assert.Equal(row.A, a, row.Digits);
        Assert.Equal(row.B, b, row.Digits);
        Assert.Equal(row.DistanceJ, objective.Measurement("distance_j"), 1e-12);
        Assert.Equal(row.Distance0, objective.Measurement("distance_0"), row.Digits);
        Assert.Equal(row.FactorJ, objective.Measurement("gradient_factor_j"), 1e-12);
        Assert.Equal(row.Factor0, objective.Measurement("gradient_factor_0"), 1e-12);
        Assert.Equal(row.StartJ, objective.Measurement("start_weight_j"), 1e-12);
        Assert.Equal(row.Start0, objective.Measurement("start_weight_0"), 1e-12);
        Assert.Equal(0.9664704, objective.Measurement("reward"), 1e-12);
    }

    public static TheoryData<LagrangeRow, bool> LagrangeRows()
    {
        var midpoint = s_lagrange with { Alpha = 0.5, Order = 3, SupportMode = SupportMode.Midpoint, SupportScale = 0.25, GradientRescale = 0.5 };
        // Where seven digits are published, the formula of the gradient with the weights as fractions: d/da of v is x, of the nested term a W_j a_k W_k x_k.
        double[] x = [1.5, 1.4, 1.244, 1.08008];
        LagrangeRow[] rows =
        [
            new(s_lagrange, new(0, 2), 0.0810208, 0.0814583, 5e-8) { DistanceJ = 0.0065, Distance0 = 0.0046904, StartJ = 0.125, Start0 = -1 / 12.0 },
            Exact(s_lagrange, x, 1) with { StartJ = 0.125, Start0 = -1 / 12.0 },
            new(s_lagrange with { Alpha = 0.5, GradientRescale = 0.5 }, new(0, 2), 0.2359948, 0.2533854, 5e-8)
            {
                DistanceJ = 0.0065, Distance0 = 0.0046904, FactorJ = 3.5, Factor0 = 3.5, StartJ = 0.125, Start0 = -1 / 12.0,
            },
            Exact(s_lagrange with { Alpha = 0.5, GradientRescale = 0.5 }, x, 3.5) with { StartJ = 0.125, Start0 = -1 / 12.0 },
            new(midpoint, new(0, 3), -0.787536, -0.43104, 1e-12) { DistanceJ = 0.00952, FactorJ = 1.8, StartJ = -4 / 15.0, Start0 = -0.2 },
            new(midpoint with { AnchorLambda = 0.5 }, new(0, 3), -1.065776, -0.61152, 1e-12) { DistanceJ = 0.0052, FactorJ = 1.8, StartJ = -4 / 15.0, Start0 = -0.2 },
            new(s_lagrange with { Order = 1 }, new(0, 2), -1.3045, -0.705, 1e-12) { DistanceJ = 0.006, Distance0 = 0.0043296, StartJ = -0.5, Start0 = -0.5 },
        ];
        return new(from row in rows from reforward in new[] { false, true } select (row, reforward));
    }

    private static LagrangeRow Exact(LagrangeSettings settings, double[] x, double factor)
    {
        const double startJ = 0.125, start0 = -1 / 12.0, network = 0.6;
        var nested = settings.Alpha * factor * start0 * network * factor * startJ;
        return new(settings, new(0, 2), (factor * ((startJ * x[0]) + (start0 * x[2]))) + (nested * x[0]), (factor * (startJ + (start0 * 0.5))) + nested, 1e-12)
        {
            DistanceJ = 0.0065,
            Distance0 = Math.Abs(((start0 * ((0.6 * 1.244) - 0.2)) + (-5 / 12.0 * ((0.6 * 1.08008) - 0.08))) - (0.9664704 - 1.244)),
            FactorJ = factor,
            Factor0 = factor,
        };
    }

    public sealed record LagrangeRow(LagrangeSettings Settings, LeapPair Pair, double A, double B, double Digits)
    {
        public double DistanceJ { get; init; }

        public double Distance0 { get; init; }

        public double FactorJ { get; init; } = 1;

        public double Factor0 { get; init; } = 1;

        public double StartJ { get; init; }

        public double Start0 { get; init; }
    }
}
