namespace LeapAlign.Host.Likelihoods;

/// <summary>A Runge-Kutta method of fixed steps.</summary>
internal sealed class FlowSolver
{
    private FlowSolver(string name, double[] times, double[][] stages, double[] weights) => (Name, Times, Stages, Weights) = (name, times, stages, weights);

    /// <summary>Order 1, one evaluation a step: what <c>flow-euler</c> does.</summary>
    public static FlowSolver Euler { get; } = new("euler", [0], [[]], [1]);

    /// <summary>Order 2, two evaluations a step.</summary>
    public static FlowSolver Heun { get; } = new("heun", [0, 1], [[], [1]], [0.5, 0.5]);

    /// <summary>Order 4, four evaluations a step.</summary>
    public static FlowSolver RungeKutta { get; } = new("rk4", [0, 0.5, 0.5, 1], [[], [0.5], [0, 0.5], [0, 0, 1]], [1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6]);

    /// <summary>All of them.</summary>
    public static IReadOnlyList<FlowSolver> All { get; } = [Euler, Heun, RungeKutta];

    /// <summary>As the command line has it.</summary>
    public string Name { get; }

    /// <summary>Where in a step each stage is, 0 to 1.</summary>
    public IReadOnlyList<double> Times { get; }

    /// <summary>How far each stage has gone along the velocities of those before it.</summary>
    public IReadOnlyList<double[]> Stages { get; }

    /// <summary>What each stage is in the step.</summary>
    public IReadOnlyList<double> Weights { get; }
}
