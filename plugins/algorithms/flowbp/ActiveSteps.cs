using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Methods.Quadrature;
using LeapAlign.Methods.Steps;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FlowBp;

/// <summary>What the methods have in common whose active steps are Euler steps of the path itself.</summary>
internal static class ActiveSteps
{
    /// <summary>f: with full strength the active steps amount to the whole window.</summary>
    public static double Factor(Schedule schedule, StepRange window, IEnumerable<int> active, double strength)
    {
        return GradientRescale.Factor(strength, window.Steps.Select(Length), active.Select(Length));

        double Length(int step) => schedule.Delta(step, step + 1);
    }

    public static Measurement Measured(IEnumerable<int> active) => Measurement.Choice("active_steps", tensor(active.Select(static step => (long)step).ToArray()));
}
