using LeapAlign.Contracts.Estimators;
using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Tests;

/// <summary>Estimates of the trace of a matrix whose trace and variances are known.</summary>
public sealed class DivergenceTests
{
    private const int Many = 6000;

    // Trace 4; variance 38 of one coordinate, 14 of one vector of signs.
    private static readonly double[] s_matrix = [1, 2, 0, 0, -1, 3, 1, 0, 4];

    [Fact]
    public void Signs_are_unbiased_and_tell_their_variance()
    {
        using var scope = NewDisposeScope();
        var estimate = Of(DivergenceProbes.Signs([3], 2));
        Assert.Equal(2, estimate.Products);
        Check(estimate, 4, 14.0 / 2);
        // One vector of signs gives one of four numbers: z Jᵀ z.
        double[] values = [.. Of(DivergenceProbes.Signs([3], 1)).Value.data<double>().ToArray().Distinct().Order()];
        Assert.Equal([0, 2, 4, 10], values.Select(static value => Math.Round(value, 9)));
    }

    [Fact]
    public void Coordinates_are_unbiased_and_tell_their_variance()
    {
        using var scope = NewDisposeScope();
        Check(Of(DivergenceProbes.Coordinates([3], 2)), 4, 38.0 / 2 * (3 - 2) / (3 - 1));
        var one = Of(DivergenceProbes.Coordinates([3], 1));
        Assert.Equal([-3, 3, 12], one.Value.data<double>().ToArray().Distinct().Order());
        Assert.Equal(38, one.Value.var(unbiased: false).item<double>(), 1.5);
        Assert.True(one.Variance.isnan().all().item<bool>());
    }

    [Fact]
    public void All_coordinates_are_exact()
    {
        using var scope = NewDisposeScope();
        var estimate = Of(DivergenceProbes.Exact([3]));
        Assert.Equal((3, true), (estimate.Products, DivergenceProbes.Exact([3]).IsExact));
        Assert.True(estimate.Value.eq(4).all().item<bool>());
        Assert.True(estimate.Variance.eq(0).all().item<bool>());
        Assert.Equal(3, Of(DivergenceProbes.Coordinates([3], 50)).Products);
    }

    // [2, 4, 6] in tiles of 2: six tiles of eight numbers, of both channels.
    [Theory]
    [InlineData(6)]
    [InlineData(12)]
    public void Tiles_are_unbiased_and_tell_their_variance(int products)
    {
        using var scope = NewDisposeScope();
        const int size = 2 * 4 * 6;
        var matrix = RandomKey.OfRun(5).Normal([size, size], CPU).to(float64) + diag(arange(size, dtype: float64) / 10);
        var probes = DivergenceProbes.Tiles([2, 4, 6], 2, products);
        Assert.Equal((6, products / 2, 2, products), (probes.Count, probes.Sampled, probes.Draws, probes.Products));
        var point = zeros(Many, 2, 4, 6, dtype: float64).requires_grad_();
        var estimate = Divergence.Of(point.flatten(1).matmul(matrix.t()).view(Many, 2, 4, 6), point, probes, Keys(Many));
        Check(estimate, matrix.trace().item<double>(), estimate.Value.var(unbiased: true).item<double>());
    }

    // A matrix that is a multiple of one within each tile, and couples different tiles: nothing is left to chance when all tiles are there.
    [Fact]
    public void Tiles_are_squares_with_all_channels()
    {
        using var scope = NewDisposeScope();
        // The number of each place's tile, as it lies in [2, 4, 6].
        long[] tiles = [.. Enumerable.Range(0, 48).Select(static i => (long)((i / 6 % 4 / 2 * 3) + (i % 6 / 2)))];
        var apart = tensor(tiles).unsqueeze(0).ne(tensor(tiles).unsqueeze(1)).to(float64);
        var point = zeros(1, 2, 4, 6, dtype: float64).requires_grad_();
        var estimate = Divergence.Of(point.flatten(1).matmul((apart * 7) + diag(tensor(tiles).to(float64))).view(1, 2, 4, 6), point, DivergenceProbes.Tiles([2, 4, 6], 2, 12), Keys(1));
        Assert.Equal(tiles.Sum(), estimate.Value.item<double>(), 1e-9);
        Assert.Equal(0, estimate.Variance.item<double>(), 1e-9);
    }

    // Tokens in runs of four, numbers in runs of four.
    [Theory]
    [InlineData(new long[] { 10, 3 }, 3)]
    [InlineData(new long[] { 9 }, 3)]
    [InlineData(new long[] { 2, 5, 5 }, 9)]
    public void Other_shapes_have_tiles_too(long[] shape, int count) => Assert.Equal(count, DivergenceProbes.Tiles(shape, 2, 4).Count);

    [Fact]
    public void An_estimate_depends_on_its_own_key_alone()
    {
        using var scope = NewDisposeScope();
        foreach (var probes in new[] { DivergenceProbes.Signs([3], 3), DivergenceProbes.Coordinates([3], 2), DivergenceProbes.Tiles([3], 1, 4) })
        {
            var (all, alone) = (Of(probes, [.. Keys(4)]), Of(probes, [Keys(4)[2]]));
            Assert.Equal(all.Value[2].item<double>(), alone.Value.item<double>());
            Assert.True(all.Value.unique(sorted: true).output.numel() > 1);
        }
    }

    [Fact]
    public void What_does_not_depend_on_the_point_has_no_divergence()
    {
        using var scope = NewDisposeScope();
        var point = ones(2, 3, dtype: float64).requires_grad_();
        var weight = ones(3, dtype: float64).requires_grad_();
        foreach (var velocity in new[] { ones(2, 3, dtype: float64), weight.expand(2, 3) * 2 })
            Assert.Equal([0, 0], Divergence.Of(velocity, point, DivergenceProbes.Signs([3], 2), Keys(2)).Value.data<double>().ToArray());
    }

    // div of w x² is 2 w Σ x.
    [Fact]
    public void A_divergence_can_be_a_loss()
    {
        using var scope = NewDisposeScope();
        var weight = tensor(3.0).requires_grad_();
        var point = tensor([0.5, -2.0, 4.0]).reshape(1, 3).requires_grad_();
        foreach (var probes in new[] { DivergenceProbes.Exact([3]), DivergenceProbes.Signs([3], 2) })
        {
            var value = Divergence.Of(point.square() * weight, point, probes, Keys(1), differentiable: true).Value;
            Assert.Equal(15, value.item<double>(), 1e-12);
            Assert.Equal(5, autograd.grad([value.sum()], [weight])[0].item<double>(), 1e-12);
        }
        Assert.False(Divergence.Of(point.square() * weight, point, DivergenceProbes.Exact([3]), Keys(1)).Value.requires_grad);
    }

    private static DivergenceEstimate Of(DivergenceProbes probes, RandomKey[]? keys = null)
    {
        keys ??= Keys(Many);
        var point = zeros(keys.Length, 3, dtype: float64).requires_grad_();
        return Divergence.Of(point.matmul(tensor(s_matrix).reshape(3, 3).t()), point, probes, keys);
    }

    private static RandomKey[] Keys(int count) => [.. Enumerable.Range(0, count).Select(static i => RandomKey.OfRun(7).For("sample", i))];

    // Three standard errors of the mean; the mean of the variances is the variance within a tenth.
    private static void Check(DivergenceEstimate estimate, double mean, double variance)
    {
        Assert.Equal(mean, estimate.Value.mean().item<double>(), 3 * Math.Sqrt(variance / Many));
        Assert.Equal(variance, estimate.Value.var(unbiased: true).item<double>(), 0.1 * variance);
        Assert.Equal(variance, estimate.Variance.mean().item<double>(), 0.1 * variance);
    }
}
