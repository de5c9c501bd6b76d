using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LeapAlign.Contracts.Estimators;
using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Tests;

/// <summary>The residual Δu + u³ − 0.1 of u = sin(θ·x) in three dimensions, whose estimates can be told one by one.</summary>
public sealed class SampledDimensionsTests
{
    private static readonly int[][] s_ones = [[0], [1], [2]];
    private static readonly int[][] s_twos = [[0, 1], [0, 2], [1, 2]];
    private static readonly double[] s_full = [3.211928470, 1.605964235, -2.552951269];

    [Fact]
    public void All_dimensions_give_the_gradient_of_the_squared_residual() => Equal(s_full, Gradient([0, 1, 2], [0, 1, 2]));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void An_exact_residual_and_independent_sets_are_unbiased(int size)
    {
        var sets = size == 1 ? s_ones : s_twos;
        Equal(s_full, Mean(sets.Select(static set => Gradient([0, 1, 2], set))));
        Equal(s_full, Mean(sets.SelectMany(first => sets.Select(second => Gradient(first, second)))));
    }

    [Theory]
    [InlineData(1, 5.566926507, 0.737474409, -2.848815814)]
    [InlineData(2, 3.800677979, 1.388841778, -2.626917405)]
    public void One_set_in_both_places_is_biased_as_published(int size, double first, double second, double third) =>
        Equal([first, second, third], Mean((size == 1 ? s_ones : s_twos).Select(static set => Gradient(set, set))));

    [Fact]
    public void A_single_draw_is_what_it_is() => Equal([0.596605963, 0.298302982, -12.204592048], Gradient([0], [2]));

    [Fact]
    public void The_second_derivative_of_what_is_linear_is_zero()
    {
        using var scope = NewDisposeScope();
        var x = ones(2, 3, dtype: float64).requires_grad_();
        var gradient = autograd.grad([(x * 2).sum()], [x], retain_graph: true, create_graph: true)[0];
        Assert.Equal([0, 0], SampledDimensions.SecondDerivative(gradient, x, 1, differentiable: true).data<double>().ToArray());
    }

    [Property(MaxTest = 100)]
    public bool Drawn_dimensions_are_distinct_rising_and_there(PositiveInt dimensions, PositiveInt count, int seed)
    {
        var (all, some) = (dimensions.Get, Math.Min(dimensions.Get, count.Get));
        var drawn = SampledDimensions.Draw(RandomKey.OfRun(seed).Open(), all, some);
        return drawn.Length == some && drawn.Zip(drawn.Skip(1)).All(static pair => pair.First < pair.Second) && drawn[0] >= 0 && drawn[^1] < all;
    }

    [Fact]
    public void Every_set_is_drawn_equally_often()
    {
        const int draws = 12_000;
        var counts = Enumerable.Range(0, draws).Select(static seed => string.Join(",", SampledDimensions.Draw(RandomKey.OfRun(seed).Open(), 5, 3))).CountBy(static set => set).ToDictionary();
        Assert.Equal(10, counts.Count);
        // Four standard deviations of a binomial count.
        Assert.All(counts.Values, static count => Assert.InRange(count, 1200 - 132, 1200 + 132));
        Assert.Throws<ArgumentOutOfRangeException>(static () => SampledDimensions.Draw(RandomKey.OfRun(0).Open(), 3, 4));
    }

    private static double[] Gradient(int[] value, int[] slope)
    {
        using var scope = NewDisposeScope();
        var theta = tensor([1.0, 0.5, -0.8]).requires_grad_();
        var x = tensor([0.4, 0.2, -0.3]).reshape(1, 3).requires_grad_();
        var u = (x * theta).sum(1).sin();
        var gradient = autograd.grad([u.sum()], [x], retain_graph: true, create_graph: true)[0];
        Tensor Residual(int[] set) => SampledDimensions.Estimate(3, set, i => SampledDimensions.SecondDerivative(gradient, x, i, differentiable: true)) + u.pow(3) - 0.1;
        return autograd.grad([SampledDimensions.ResidualLoss(Residual(value), Residual(slope))], [theta])[0].data<double>().ToArray();
    }

    private static double[] Mean(IEnumerable<double[]> all)
    {
        double[][] list = [.. all];
        return [.. Enumerable.Range(0, 3).Select(i => list.Average(values => values[i]))];
    }

    private static void Equal(double[] expected, double[] actual) => Assert.All(expected.Zip(actual), static pair => Assert.Equal(pair.First, pair.Second, 1e-9));
}
