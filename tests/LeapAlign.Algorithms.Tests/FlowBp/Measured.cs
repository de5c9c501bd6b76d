using LeapAlign.Contracts.Algorithms;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FlowBp.Tests;

internal static class Measured
{
    /// <summary>What an objective measured under a name: one number, or the mean of several.</summary>
    public static double Measurement(this Objective objective, string name) =>
        objective.Measurements.Single(measured => measured.Name == name).Value.detach().to(float64).mean().item<double>();

    /// <summary>The active steps, in the order of the schedule.</summary>
    public static long[] Active(this Objective objective) =>
        objective.Measurements.Single(static measured => measured.Name == "active_steps").Value.data<long>().ToArray();
}
