using LeapAlign.Contracts.Randomness;

namespace LeapAlign.Contracts.Solvers;

/// <summary>How the linear systems of <see cref="ConstrainedNewton"/> are solved.</summary>
public enum SystemSketch
{
    /// <summary>At once, to rounding: the way for up to 500 numbers.</summary>
    Exact,

    /// <summary>By projections onto single rows, drawn uniformly (Kaczmarz).</summary>
    Kaczmarz,

    /// <summary>By projections onto random mixtures of all rows.</summary>
    Gaussian,
}

/// <summary>How a constrained problem is solved; the numbers are those of the published source.</summary>
public sealed record ConstrainedForm
{
    /// <summary>How linear systems are solved.</summary>
    public SystemSketch Sketch { get; init; }

    /// <summary>The key of rows and mixtures.</summary>
    public RandomKey Random { get; init; } = RandomKey.OfRun(0);

    /// <summary>η1 to begin with.</summary>
    public double ConstraintWeight { get; init; } = 1;

    /// <summary>η2 to begin with.</summary>
    public double GradientWeight { get; init; } = 0.1;

    /// <summary>δ to begin with.</summary>
    public double Accuracy { get; init; } = 0.1;

    /// <summary>The least δ.</summary>
    public double LeastAccuracy { get; init; } = 1e-6;

    /// <summary>‖(∇L, c)‖ at which it ends.</summary>
    public double Tolerance { get; init; } = 1e-4;

    /// <summary>The most steps.</summary>
    public int Most { get; init; } = 200;

    /// <summary>The most projections of one system under one accuracy.</summary>
    public int MostProjections { get; init; } = 100_000;

    internal SystemSolver Begin(KktSystem system, int step) => Sketch switch
    {
        SystemSketch.Kaczmarz => new RowProjections(system, Random.For("step", step).Open()),
        SystemSketch.Gaussian => new MixtureProjections(system, Random.For("step", step).Open()),
        _ => new ExactSystem(system),
    };
}
