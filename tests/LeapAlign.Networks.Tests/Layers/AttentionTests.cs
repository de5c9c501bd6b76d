using LeapAlign.Networks.Layers;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Layers;

/// <summary>Attention of long sequences, whose scores are computed for some queries at a time, against all at once in double precision.</summary>
public sealed class AttentionTests
{
    [Theory]
    [InlineData(1, 4, 1800, 1800, null)]
    [InlineData(2, 2, 1500, 2100, null)]
    [InlineData(1, 3, 2000, 1700, "keys")]
    [InlineData(1, 3, 2000, 1700, "all")]
    [InlineData(2, 2, 1600, 1700, "heads")]
    [InlineData(1, 2, 37, 29, "all")]
    public void Values_and_gradients_are_those_of_all_queries_at_once(long batch, long heads, long queries, long keys, string? masked)
    {
        const long width = 8;
        using var scope = NewDisposeScope();
        using var random = new Generator(3);
        Tensor Draw(params long[] shape) => randn(shape, dtype: float32, generator: random);
        var (query, key, value) = (Draw(batch, heads, queries, width).requires_grad_(), Draw(batch, heads, keys, width).requires_grad_(), Draw(batch, heads, keys, width).requires_grad_());
        var mask = masked switch
        {
            "keys" => Draw(1, 1, 1, keys),
            "heads" => Draw(batch, 1, queries, keys),
            "all" => Draw(1, heads, queries, keys),
            _ => null,
        };
        Assert.Equal(queries < 100, Attention.RowsAtOnce(query, key) >= queries);
        var weights = Draw(batch, heads, queries, width);
        var attended = Attention.Attend(query, key, value, mask, 0.7);
        var gradients = autograd.grad([(attended * weights).sum()], [query, key, value]);
        Tensor[] doubles = [.. new[] { query, key, value }.Select(static each => each.detach().to(float64).requires_grad_())];
        var scores = matmul(doubles[0] * 0.7, doubles[1].transpose(-2, -1));
        if (mask is not null) scores = scores + mask.to(float64);
        var expected = matmul(scores.softmax(-1), doubles[2]);
        var slopes = autograd.grad([(expected * weights.to(float64)).sum()], doubles);
        Near(expected, attended);
        for (var i = 0; i < slopes.Count; i++) Near(slopes[i], gradients[i]);
    }

    // A picture of 1024 x 1024 in SD3.5-medium, its decoder, and one beyond everything.
    [Theory]
    [InlineData(1, 24, 4429, ScalarType.BFloat16)]
    [InlineData(1, 1, 16384, ScalarType.Float32)]
    [InlineData(4, 24, 4608, ScalarType.BFloat16)]
    public void Scores_of_long_sequences_are_bounded(long batch, long heads, long tokens, ScalarType type)
    {
        using var scope = NewDisposeScope();
        var tensor = empty([batch, heads, tokens, 4], dtype: type, device: META);
        var rows = Attention.RowsAtOnce(tensor, tensor);
        Assert.True(rows == 64 || rows * batch * heads * tokens * tensor.ElementSize <= Attention.MostScores);
        Assert.Equal(0, rows % 64);
        Assert.InRange(rows, 64, tokens - 1);
    }

    private static void Near(Tensor expected, Tensor actual) => Assert.True((expected - actual.to(float64)).abs().max().item<double>() <= 2e-5 * expected.abs().max().item<double>());
}
