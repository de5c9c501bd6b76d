using LeapAlign.Bench.Cases;
using LeapAlign.Contracts.Solvers;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Tests;

/// <summary>What steps under equalities are judged by.</summary>
public sealed class AugmentedLagrangianTests
{
    // At no solution, where ∇L, c and W all count.
    [Theory]
    [InlineData(1, 0.1)]
    [InlineData(30, 2.5)]
    public void Its_gradient_is_that_of_its_value_by_differences(double constraintWeight, double gradientWeight)
    {
        using var scope = NewDisposeScope();
        var merit = new AugmentedLagrangian(constraintWeight, gradientWeight);
        double[] at = [1.3, 2.1, -0.4];
        ConstrainedIterate Place(int moved, double by) => new(CutestProblems.Hs7, Vector(at[0] + (moved == 0 ? by : 0), at[1] + (moved == 1 ? by : 0)), Vector(at[2] + (moved == 2 ? by : 0)));
        var here = Place(-1, 0);
        var gradient = merit.Gradient(here.At, here.At.Hessian(), here.LagrangianGradient).data<double>().ToArray();
        for (var number = 0; number < at.Length; number++)
        {
            var difference = (merit.Of(Place(number, 1e-5)) - merit.Of(Place(number, -1e-5))) / 2e-5;
            Assert.True(Math.Abs(difference) > 0.01, $"{difference}");
            Assert.Equal(1, gradient[number] / difference, 1e-7);
        }
    }

    [Fact]
    public void It_becomes_sharper_by_the_published_factors_and_comes_to_an_end()
    {
        var (merit, accuracy) = new AugmentedLagrangian(2, 0.3).Sharper(0.5);
        Assert.Equal((4.5, 0.2, 0.5 / 5.0625), (merit.ConstraintWeight, Math.Round(merit.GradientWeight, 12), accuracy));
        Assert.False(merit.IsAtItsEnd);
        Assert.True(new AugmentedLagrangian(1.1e8, 1).IsAtItsEnd);
        Assert.True(new AugmentedLagrangian(1, 0.9e-8).IsAtItsEnd);
    }

    [Fact]
    public void A_direction_falls_where_its_slope_is_half_the_square_of_the_right_side()
    {
        var merit = new AugmentedLagrangian(1, 0.5);
        // (η2 / 2) ‖b‖² = 0.25 · 4.
        Assert.True(merit.Falls(-1, 2));
        Assert.False(merit.Falls(-0.999, 2));
        Assert.False(merit.Falls(1, 2));
    }

    [Fact]
    public void The_accuracy_of_directions_is_bound_by_weights_and_by_the_system()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(0.4 * 0.5 / ((1 + 3 + 0.5) * 4 * 100), new AugmentedLagrangian(3, 0.5).Bound((10, 2), 0.1), 1e-15);
        var at = new ConstrainedAt(0, Vector(1, 2), Vector(3), tensor(new double[,] { { 0.5, 0 } }), static () => eye(2, dtype: float64));
        var system = KktSystem.Of(at, Vector(1, 2), diag(Vector(2, 1)));
        // ‖B‖² = 5, the least eigenvalue of G Gᵀ is ½, ξ = 0.1; ‖G‖ = ½ and ‖W‖ = 3.
        var (psi, upsilon) = system.Bounds((at.Jacobian, diag(Vector(3, 0))), 0.5, 0.1);
        Assert.Equal(20 * 5 / 0.05, psi, 1e-9);
        Assert.Equal(3, upsilon, 1e-12);
        // Nothing is less than one.
        (psi, upsilon) = KktSystem.Of(at, Vector(1, 2), diag(Vector(0.1, 0.1))).Bounds((at.Jacobian, diag(Vector(0.2, 0))), 1, 0.1);
        Assert.Equal(200, psi, 1e-9);
        Assert.Equal(1, upsilon, 1e-12);
        Assert.Equal([-1, -2, -3], system.RightNumbers);
        Assert.Equal([2, 0, 0.5, 0, 1, 0, 0.5, 0, 0], system.Numbers);
    }

    // With next to no weight the first directions do not fall; the weights grow until they do, to the same place.
    [Theory]
    [InlineData(SystemSketch.Exact)]
    [InlineData(SystemSketch.Kaczmarz)]
    public void Weights_that_are_too_small_grow_on_the_way(SystemSketch sketch)
    {
        using var scope = NewDisposeScope();
        var found = ConstrainedNewton.Solve(CutestProblems.Hs7, Vector(2, 2), Vector(0), new ConstrainedForm { Sketch = sketch, ConstraintWeight = 1e-6, GradientWeight = 5 }).Match(static found => found, static fault => throw new Pipeline.FaultException(fault));
        Assert.Equal(Math.Sqrt(3), found.Point[1].item<double>(), 1e-3);
        Assert.InRange(found.Iterations, 5, 40);
    }

    private static Tensor Vector(params double[] numbers) => tensor(numbers, dtype: float64);
}
