using LeapAlign.Contracts.Algorithms;
using LeapAlign.Samplers.FlowEuler;
using LeapAlign.Testing;

namespace LeapAlign.Algorithms.FlowBp.Tests;

/// <summary>The scalar linear network, its hinge far away, so that the loss is λ − x_0 times the sample's weight.</summary>
internal static class Scalar
{
    public const double Hinge = 100;

    public static FlowEulerSampler Sampler { get; } = new(new FlowEulerSettings());

    /// <summary>One step: the objective and the derivatives of the final sample, before any weight.</summary>
    public static (Objective Objective, double A, double B) Derivatives(IAlgorithm algorithm, ScalarNetwork? network = null)
    {
        var (objectives, a, b) = (network ?? new()).Descend(algorithm, Sampler);
        var objective = Assert.Single(objectives);
        var weight = objective.Measurements.Any(static measured => measured.Name == "weight") ? objective.Measurement("weight") : 1;
        return (objective, a / -weight, b / -weight);
    }
}
