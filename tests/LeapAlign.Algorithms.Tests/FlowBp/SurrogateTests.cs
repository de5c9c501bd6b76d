using LeapAlign.Algorithms.FlowBp.Bridge;
using LeapAlign.Algorithms.FlowBp.Lagrange;
using LeapAlign.Algorithms.FlowBp.Sparse;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Methods.Leaps;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FlowBp.Tests;

/// <summary>
/// The gradient is the derivative of the stated surrogate, in which everything without gradient is held at its value: written out here from the formulas,
/// without the product's code, and differentiated numerically.
/// </summary>
public sealed class SurrogateTests
{
    private const double Hinge = 3;

    private readonly SmallNetwork _network = new();
    private readonly Tensor[] _states;
    private readonly Tensor[] _velocities;

    public SurrogateTests()
    {
        using var _ = no_grad();
        var steps = _network.Schedule.Steps;
        _states = new Tensor[steps + 1];
        _velocities = new Tensor[steps];
        _states[0] = _network.Noise;
        for (var i = 0; i < steps; i++)
        {
            _velocities[i] = SmallNetwork.Evaluate(_network.Parameters, _states[i], Sigma(i));
            _states[i + 1] = _states[i] + (_velocities[i] * (Sigma(i + 1) - Sigma(i)));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.6)]
    [InlineData(1)]
    public void Sparse(double strength)
    {
        int[] active = [0, 3, 6];
        var factor = 1 + (strength * ((1 / Lengths(active)) - 1));
        var settings = new SparseSettings { GradientRescale = strength, Hinge = Hinge };
        Compare(
            reforward => new SparseAlgorithm(settings with { Reforward = reforward }, (_, _) => active),
            parameters => Arrived(parameters, _states[0], 0, (active, factor), -1, null),
            _ => 1);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0.4, 0)]
    [InlineData(0.4, 0.7)]
    [InlineData(1, 1)]
    public void Bridge(double alpha, double strength)
    {
        const int j = 4;
        int[] active = [1, 2, j, 6];
        var factor = 1 + (strength * ((1 / Lengths(active)) - 1));
        var settings = new BridgeSettings { Alpha = alpha, GradientRescale = strength, Hinge = Hinge };
        Compare(
            reforward => new BridgeAlgorithm(settings with { Reforward = reforward }, (_, _) => new(j, active)),
            parameters =>
            {
                var connected = Arrived(parameters, _states[0], 0, (active, factor), j, null);
                return Arrived(parameters, connected, j, (active, factor), -1, _states[j] + (alpha * (connected - _states[j])));
            },
            _ => 1);
    }

    [Theory]
    [InlineData(SupportMode.Start, 0.3, 0, 1)]
    [InlineData(SupportMode.Midpoint, 0.5, 0.5, 1)]
    [InlineData(SupportMode.Midpoint, 0, 0, 0.3)]
    [InlineData(SupportMode.All, 1, 1, 0.6)]
    [InlineData(SupportMode.None, 0.8, 0.5, 0.4)]
    public void Lagrange(SupportMode mode, double alpha, double strength, double lambda)
    {
        var pair = new LeapPair(1, 4);
        int[][] supports = [[1, 3], [4, 6]];
        var active = mode switch { SupportMode.None => 0, SupportMode.Start => 1, _ => 2 };
        var settings = new LagrangeSettings
        {
            Alpha = alpha,
            Tau = 1e-6,
            Order = 2,
            SupportMode = mode,
            SupportScale = 0.35,
            GradientRescale = strength,
            AnchorLambda = lambda,
            Hinge = Hinge,
        };
        Tensor PredictedJ(Tensor[] parameters)
        {
            var start = SmallNetwork.Evaluate(parameters, _states[1], Sigma(1));
            var quadrature = Quadrature(parameters, _states[1], _states[1], supports[0], (pair.J, active, settings));
            return (lambda * quadrature) + ((1 - lambda) * (_states[1] + (start * (Sigma(pair.J) - Sigma(1)))));
        }
        Tensor Predicted0(Tensor[] parameters)
        {
            var connected = _states[pair.J] + PredictedJ(parameters) - PredictedJ(_network.Parameters);
            var input = _states[pair.J] + (alpha * (connected - _states[pair.J]));
            return Quadrature(parameters, connected, input, supports[1], (_network.Schedule.Steps, active, settings));
        }
        Compare(
            reforward => new LagrangeAlgorithm(settings with { Reforward = reforward }, (_, _) => pair),
            parameters => _states[^1] + Predicted0(parameters) - Predicted0(_network.Parameters),
            parameters =>
            {
                var distanceJ = (PredictedJ(_network.Parameters) - _states[pair.J]).abs().mean([1]);
                return 1 / (distanceJ + (Predicted0(_network.Parameters) - _states[^1]).abs().mean([1]));
            });
    }

    private void Compare(Func<bool, IAlgorithm> algorithm, Func<Tensor[], Tensor> sample, Func<Tensor[], Tensor> weight)
    {
        using var scope = NewDisposeScope();
        var expected = _network.Differences(parameters => (weight(parameters) * (Hinge - SmallNetwork.Reward(sample(parameters))).clamp_min(0)).mean().item<double>());
        var norm = Norm(expected);
        Assert.True(norm > 1e-3, "the surrogate does not depend on the parameters");
        foreach (var reforward in (bool[])[false, true])
        {
            var (objective, gradient) = _network.Descend(algorithm(reforward));
            Assert.InRange(Norm([.. gradient.Zip(expected, static (actual, right) => actual - right)]), 0, 1e-6 * norm);
            Assert.Equal(SmallNetwork.Reward(_states[^1]).mean().item<double>(), objective.Measurement("reward"), 1e-12);
        }
    }

    /// <summary>The state at the end of a piece of the path, connected to the real one.</summary>
    /// <param name="parameters">The weights.</param>
    /// <param name="start">The state where the piece begins.</param>
    /// <param name="from">Its first step.</param>
    /// <param name="gradient">The active steps and the factor of their gradients.</param>
    /// <param name="to">Where it ends; −1 is N.</param>
    /// <param name="input">What the network sees at the first step, if not the state of the rollout.</param>
    private Tensor Arrived(Tensor[] parameters, Tensor start, int from, (int[] Active, double Factor) gradient, int to, Tensor? input)
    {
        var end = to < 0 ? _network.Schedule.Steps : to;
        var moved = start;
        var still = _states[from];
        for (var i = from; i < end; i++)
        {
            var change = gradient.Active.Contains(i)
                ? gradient.Factor * (SmallNetwork.Evaluate(parameters, i == from ? input ?? _states[i] : _states[i], Sigma(i)) - _velocities[i])
                : zeros_like(moved);
            moved += (_velocities[i] + change) * (Sigma(i + 1) - Sigma(i));
            still += _velocities[i] * (Sigma(i + 1) - Sigma(i));
        }
        return _states[end] + moved - still;
    }

    private Tensor Quadrature(Tensor[] parameters, Tensor start, Tensor input, int[] supports, (int To, int Active, LagrangeSettings Settings) leap)
    {
        var weights = Weights(supports, leap.To);
        var active = weights.Take(leap.Active).Sum(Math.Abs);
        var factor = leap.Active == 0 ? 1 : 1 + (leap.Settings.GradientRescale * ((weights.Sum(Math.Abs) / active) - 1));
        var sum = start;
        for (var m = 0; m < supports.Length; m++)
        {
            var step = supports[m];
            var scale = m >= leap.Active ? 0 : factor * (m == 0 ? 1 : leap.Settings.SupportScale);
            var change = SmallNetwork.Evaluate(parameters, m == 0 ? input : _states[step], Sigma(step)) - _velocities[step];
            sum += weights[m] * (_velocities[step] + (scale * change));
        }
        return sum;
    }

    /// <summary>Two supports: Simpson's rule integrates a line exactly.</summary>
    private double[] Weights(int[] supports, int to)
    {
        var (from, end) = (Sigma(supports[0]), Sigma(to));
        return [.. supports.Select((_, m) => (end - from) / 6 * (Basis(m, from) + (4 * Basis(m, (from + end) / 2)) + Basis(m, end)))];

        double Basis(int m, double sigma) => supports.Where((_, other) => other != m)
            .Aggregate(1.0, (product, other) => product * (sigma - Sigma(other)) / (Sigma(supports[m]) - Sigma(other)));
    }

    private double Lengths(int[] active) => active.Sum(step => Sigma(step) - Sigma(step + 1));

    private double Sigma(int step) => _network.Schedule.Sigma(step);

    private static double Norm(double[] vector) => Math.Sqrt(vector.Sum(static entry => entry * entry));
}
