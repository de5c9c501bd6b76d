using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Solvers;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Constrained.Calibration;

/// <summary>
/// The problem of an update's samples in its scales: f is the loss under the rewards that are raised, with the pull, and each c the loss under one reward alone, less what it was at scales of 1. Each is a function of the same samples
/// and draws. Second derivatives are central differences of gradients: two passes for each scale, and for f and each c.
/// </summary>
/// <param name="settings">Reach and pull.</param>
/// <param name="groups">The scales.</param>
/// <param name="origin">What they scale.</param>
/// <param name="rewards">Rewards that are raised, and those that stay.</param>
/// <param name="context">Makes the step again.</param>
internal sealed class ScaleProblem(CalibrationSettings settings, ScaleGroups groups, IReadOnlyList<Tensor> origin, (IReadOnlyDictionary<string, double> Raised, IReadOnlyList<string> Equal) rewards, UpdateContext context)
{
    private double[]? _begun;

    /// <summary>Passes of the step so far.</summary>
    public int Passes { get; private set; }

    /// <summary>The loss at scales of 1.</summary>
    public double LossBefore { get; private set; }

    public ConstrainedAt At(Tensor point, Tensor multipliers)
    {
        double[] scales = [.. point.data<double>()], factors = [.. multipliers.data<double>()];
        if (_begun is null)
        {
            var first = Losses([.. Enumerable.Repeat(1.0, scales.Length)]);
            (LossBefore, _begun) = (first.Values[0], first.Values[1..]);
        }
        var here = Losses(scales);
        return new ConstrainedAt(
            here.Values[0] + (settings.Pull / 2 * scales.Sum(static scale => Math.Pow(scale - 1, 2))),
            tensor([.. here.Gradients[0].Zip(scales, (slope, scale) => slope + (settings.Pull * (scale - 1)))], ScalarType.Float64),
            tensor([.. here.Values.Skip(1).Zip(_begun, static (now, begun) => now - begun)], ScalarType.Float64),
            stack([.. here.Gradients.Skip(1).Select(static gradient => tensor(gradient, ScalarType.Float64))]),
            () => Hessian(scales, factors));
    }

    private Tensor Hessian(double[] scales, double[] factors)
    {
        using var scope = NewDisposeScope();
        var columns = stack([.. Enumerable.Range(0, scales.Length).Select(place =>
            (Lagrangian(Moved(scales, place, settings.Reach), factors) - Lagrangian(Moved(scales, place, -settings.Reach), factors)) / (2 * settings.Reach))]);
        return (((columns + columns.t()) / 2) + (eye(scales.Length, dtype: ScalarType.Float64) * settings.Pull)).MoveToOuterDisposeScope();
    }

    private static double[] Moved(double[] scales, int place, double by) => [.. scales.Select((scale, i) => i == place ? scale + by : scale)];

    private Tensor Lagrangian(double[] scales, double[] factors)
    {
        var gradients = Losses(scales).Gradients;
        return tensor([.. gradients[0].Select((slope, i) => slope + factors.Select((factor, c) => factor * gradients[c + 1][i]).Sum())], ScalarType.Float64);
    }

    // f and then each c, with their derivatives in the scales.
    private (double[] Values, double[][] Gradients) Losses(double[] scales)
    {
        using var scope = NewDisposeScope();
        var weights = groups.Scaled(origin, scales);
        var all = rewards.Equal.Select(static reward => (IReadOnlyDictionary<string, double>)new Dictionary<string, double> { [reward] = 1 }).Prepend(rewards.Raised).Select(under =>
        {
            Passes++;
            var algorithm = context.Weigh(under, weights, objectives: false).Algorithm;
            return (algorithm.Loss, Slopes: groups.Derivative(origin, algorithm.Gradients));
        }).ToList();
        return ([.. all.Select(static part => part.Loss)], [.. all.Select(static part => part.Slopes)]);
    }
}
