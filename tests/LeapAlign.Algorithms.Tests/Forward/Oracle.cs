using LeapAlign.Methods.Groups;

namespace LeapAlign.Algorithms.Forward.Tests;

/// <summary>
/// The losses of the specification in plain arithmetic, on what the network was asked: the weights are variables, everything that a method holds constant is
/// evaluated at the weights of the step.
/// </summary>
internal sealed class Oracle(PolicyNetwork network)
{
    private readonly double _a = network.A.item<double>();
    private readonly double _b = network.B.item<double>();

    /// <summary>A sample at a training time.</summary>
    public sealed record Sample(double[] Latents, double Sigma, double[] Clean, int Group)
    {
        public double[] Target { get; } = [.. Latents.Zip(Clean, (x, clean) => ((x - ((1 - Sigma) * clean)) / Sigma) - clean)];
    }

    /// <summary>Every training evaluation, with the clean samples of its rows.</summary>
    /// <param name="clean">From a call's number to its rows' x_0.</param>
    public IReadOnlyList<Sample[]> Points(Func<int, double[][]> clean) =>
        [.. network.Trainings.Select((call, number) => call.Latents.Select((row, index) => new Sample(row, call.Sigmas[index], clean(number)[index], call.Groups[index])).ToArray())];

    /// <summary>The same, when each micro-batch has the same number of training times, one after another.</summary>
    public IReadOnlyList<Sample[]> Points()
    {
        var times = network.Trainings.Count() / network.Clean.Length;
        return Points(number => network.Clean[number / times]);
    }

    /// <summary>The advantages of each micro-batch.</summary>
    public double[][] Advantages(AdvantageSettings settings)
    {
        var all = GroupAdvantages.Of(
            [.. network.Groups.SelectMany(static groups => groups)], [new(1, [.. network.Clean.SelectMany(static batch => batch).Select(PolicyNetwork.Reward)])], settings);
        var taken = 0;
        return [.. network.Clean.Select(batch => all[taken..(taken += batch.Length)])];
    }

    public static double[] Velocity(Sample at, (double A, double B) weights, double added = 0) =>
        [.. at.Latents.Select(x => Math.Tanh(weights.A * x) + (weights.B * at.Sigma) + (at.Group / 100.0) + added)];

    public double[] Copy(string name, Sample at, double added = 0) => Velocity(at, network.Copies[name], added);

    public double[] Still(Sample at) => Velocity(at, (_a, _b));

    public static double Square(double[] left, double[] right) => left.Zip(right, static (l, r) => (l - r) * (l - r)).Average();

    public static double Absolute(double[] left, double[] right) => left.Zip(right, static (l, r) => Math.Abs(l - r)).Average();

    public static double[] Data(Sample at, double[] velocity) => [.. at.Latents.Zip(velocity, (x, v) => x - (at.Sigma * v))];

    /// <summary>Compares a step with the stated loss: its value, and its gradient with central differences.</summary>
    public void Compare(PolicyNetwork.Descent descent, Func<double, double, double> surrogate)
    {
        Near(surrogate(_a, _b), descent.Loss, 1e-10);
        Near(Derivative(h => surrogate(_a + h, _b)), descent.A, 1e-6);
        Near(Derivative(h => surrogate(_a, _b + h)), descent.B, 1e-6);
        Assert.True(Math.Abs(descent.A) > 1e-9 && Math.Abs(descent.B) > 1e-9, "the gradient says nothing");
    }

    public static void Near(double expected, double actual, double relative) =>
        Assert.True(Math.Abs(expected - actual) <= relative * Math.Max(1e-4, Math.Abs(expected)), $"{actual:G12} is not {expected:G12}");

    // Five points: with h = 1e-3 the error is of order 1e-12.
    private static double Derivative(Func<double, double> function)
    {
        const double h = 1e-3;
        return ((8 * (function(h) - function(-h))) - (function(2 * h) - function(-2 * h))) / (12 * h);
    }
}
