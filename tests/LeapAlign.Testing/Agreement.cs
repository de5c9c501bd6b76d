using Xunit;
using static TorchSharp.torch;

namespace LeapAlign.Testing;

/// <summary>The tolerances of tests/fixtures/README.md: relative to what is compared, the same for every set of fixtures.</summary>
public static class Agreement
{
    /// <summary>Values: max abs difference ≤ tolerance · max(1, max abs of the reference).</summary>
    public static void Values(Tensor actual, Tensor reference, string what, double tolerance = 1e-5)
    {
        using var scope = NewDisposeScope();
        Assert.True(actual.shape.SequenceEqual(reference.shape), $"{what}: shape [{string.Join(", ", actual.shape)}] is not [{string.Join(", ", reference.shape)}]");
        var expected = reference.to(float64);
        var bound = tolerance * Math.Max(1, expected.abs().max().item<double>());
        var difference = (actual.detach().to(float64) - expected).abs().max().item<double>();
        Assert.True(difference <= bound, $"{what}: differs by {difference:G4}, allowed {bound:G4}");
    }

    /// <summary>Gradients: ‖g − r‖ ≤ 1e-4 ‖r‖ + 3e-7 R, with R the largest reference norm of the case. A missing gradient counts as zero.</summary>
    public static void Gradient(Tensor? actual, Tensor reference, double largestNorm, string what, double relative = 1e-4)
    {
        using var scope = NewDisposeScope();
        var expected = reference.to(float64);
        var difference = actual is null ? expected.norm().item<double>() : (actual.detach().to(float64) - expected).norm().item<double>();
        var bound = (relative * expected.norm().item<double>()) + (3e-7 * largestNorm);
        Assert.True(difference <= bound, $"{what}: gradient differs by {difference:G4}, allowed {bound:G4}");
    }

    /// <summary>The same rule for recorded norms.</summary>
    public static void GradientNorm(double actual, double reference, double largestNorm, string what, double relative = 1e-4)
    {
        var bound = (relative * reference) + (3e-7 * largestNorm);
        Assert.True(Math.Abs(actual - reference) <= bound, $"{what}: gradient norm {actual:G9} is not {reference:G9} (allowed {bound:G4})");
    }
}
