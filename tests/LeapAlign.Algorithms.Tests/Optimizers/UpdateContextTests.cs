using LeapAlign.Contracts.Optimizers;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Tests;

public sealed class UpdateContextTests
{
    // A = [[4, 1], [1, 3]] and one number beside it whose curvature is 2: H (1, -2, 5) = (2, -5, 10).
    [Theory]
    [InlineData(1)]
    [InlineData(1e3)]
    public void The_hessian_of_a_quadratic_times_a_vector_is_exact_whatever_the_vectors_length(double length)
    {
        using var scope = NewDisposeScope();
        var matrix = tensor(new double[] { 4, 1, 1, 3 }).reshape(2, 2);
        List<int> draws = [];
        var context = new UpdateContext(0)
        {
            Again = (values, draw) =>
            {
                draws.Add(draw);
                return new StepGradient(0, [matrix.matmul(values![0]), values[1] * 2, null]);
            },
        };
        Tensor[] at = [tensor(new[] { 0.3, -0.7 }), tensor(new[] { 2.0 }), tensor(new[] { 1.0 })];
        var product = context.HessianVector(at, [tensor(new[] { 1.0, -2.0 }) * length, tensor(new[] { 5.0 }) * length, tensor(new[] { 1.0 })], draw: 3);
        Agreement.Values(product[0] / length, tensor(new[] { 2.0, -5.0 }), "matrix", 1e-9);
        Agreement.Values(product[1] / length, tensor(new[] { 10.0 }), "number", 1e-9);
        Agreement.Values(product[2], tensor(new[] { 0.0 }), "what the loss does not depend on", 0);
        Assert.Equal([3, 3], draws);
    }

    [Fact]
    public void The_error_of_a_difference_falls_as_the_square_of_its_reach()
    {
        using var scope = NewDisposeScope();
        // The gradient x⁴/4 has the derivative x³ and the third derivative 6x, so that a difference over h to both sides is h² x too large.
        var context = new UpdateContext(0) { Again = static (values, _) => new StepGradient(0, [values![0].pow(4) / 4]) };
        double Error(double reach) => context.HessianVector([tensor(new[] { 0.5 })], [tensor(new[] { 2.0 })], reach: reach)[0].item<double>() - (2 * 0.125);
        Assert.Equal(4, Error(0.02) / Error(0.01), 1e-6);
        Assert.Equal(2 * 0.01 * 0.01 * 0.5, Error(0.01), 1e-9);
    }

    [Fact]
    public void No_step_is_asked_for_along_a_direction_of_zeros()
    {
        using var scope = NewDisposeScope();
        var context = new UpdateContext(0);
        Assert.Equal(0, context.HessianVector([ones(2)], [zeros(2)])[0].abs().sum().item<float>());
        Assert.Contains("'replay'", Assert.Throws<InvalidOperationException>(() => context.Replay()).Message, StringComparison.Ordinal);
        Assert.Contains("'second-draw'", Assert.Throws<InvalidOperationException>(() => context.Draw(1)).Message, StringComparison.Ordinal);
    }
}
