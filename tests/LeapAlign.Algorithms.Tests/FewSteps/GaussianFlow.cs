using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FewSteps.Tests;

/// <summary>Data N(m, s²) and noise N(0, 1): the flow of the independent coupling, and the straight one that its pairs give.</summary>
internal static class GaussianFlow
{
    public const double M = 0.5, S = 0.8;

    private static double Variance(double sigma) => ((1 - sigma) * (1 - sigma) * S * S) + (sigma * sigma);

    /// <summary>v of the independent coupling.</summary>
    public static double Velocity(double x, double sigma) => -M + ((sigma - ((1 - sigma) * S * S)) / Variance(sigma) * (x - ((1 - sigma) * M)));

    /// <summary>The point at σ of the path that begins in ε.</summary>
    public static double Path(double noise, double sigma) => ((1 - sigma) * M) + (Math.Sqrt(Variance(sigma)) * noise);

    /// <summary>v of the rectified coupling.</summary>
    public static double Straight(double x, double sigma) => ((1 - S) * (x - ((1 - sigma) * M)) / (((1 - sigma) * S) + sigma)) - M;

    /// <summary>The same on tensors.</summary>
    public static Tensor Velocity(Tensor x, Tensor sigma)
    {
        var rest = 1 - sigma;
        var variance = (rest * rest * (S * S)) + (sigma * sigma);
        return ((sigma - (rest * (S * S))) / variance * (x - (rest * M))) - M;
    }

    /// <summary>The same on tensors.</summary>
    public static Tensor Straight(Tensor x, Tensor sigma)
    {
        var rest = 1 - sigma;
        return ((x - (rest * M)) * (1 - S) / ((rest * S) + sigma)) - M;
    }
}
