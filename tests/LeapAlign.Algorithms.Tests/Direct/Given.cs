namespace LeapAlign.Algorithms.Direct.Tests;

/// <summary>The algorithms with given choices, at a hinge that no sample reaches, and distances of gradients.</summary>
internal static class Given
{
    private const double Hinge = 50;

    public static ReflAlgorithm Refl(int step) => new(new ReflSettings { Hinge = Hinge }, (_, _) => step);

    public static DraftAlgorithm Draft(int k, bool checkpoint = false, int reNoised = 0) =>
        new(new DraftSettings { Hinge = Hinge, GradientSteps = k, Checkpoint = checkpoint, ReNoised = reNoised }, DraftAlgorithm.Draw);

    public static FullAlgorithm Full() => new(new FullSettings { Hinge = Hinge });

    public static DrtuneAlgorithm Drtune(int stop, params int[] trained) => new(new DrtuneSettings { Hinge = Hinge }, (_, _) => new DrtuneSteps(stop, trained));

    public static double Distance(IEnumerable<double> left, IEnumerable<double> right) => Norm(left.Zip(right, static (l, r) => l - r));

    public static double Norm(IEnumerable<double> values) => Math.Sqrt(values.Sum(static value => value * value));
}
