using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>What proposes directions: convolutions of width 8 in a U of three halvings with residual pairs, 9 400 weights. Of degree one in what it is given.</summary>
/// <param name="optimizer">Trains it.</param>
/// <param name="key">The key of its weights.</param>
internal sealed class DirectionNetwork(IOptimizer optimizer, RandomKey key) : IDisposable
{
    private const int Width = 8, Levels = 3, Pairs = (2 * Levels) + 2;

    private readonly CaseWeights _weights = new(optimizer, [.. Weights(key)]);

    /// <summary>q, [B, 1, N, N].</summary>
    /// <param name="residual">r, [B, 1, N, N].</param>
    public Tensor Forward(Tensor residual)
    {
        var size = residual.flatten(1).norm(1, keepdim: true).view(-1, 1, 1, 1) / residual.shape[3];
        return Convolved(Level(Convolved(residual / size, 0, 1), 0), 1, 0) * size;
    }

    public void Update(double share) => _weights.Update(share);

    public void Dispose() => _weights.Dispose();

    private Tensor Level(Tensor hidden, int level)
    {
        if (level == Levels) return Pair(Pair(hidden, 2 * Levels), (2 * Levels) + 1);
        var here = Pair(hidden, level);
        var low = Level(nn.functional.avg_pool2d(here, 2), level + 1);
        return Pair(here + nn.functional.interpolate(low, scale_factor: [2, 2], mode: InterpolationMode.Bilinear, align_corners: false), Levels + level);
    }

    private Tensor Pair(Tensor hidden, int pair) => hidden + Convolved(Convolved(hidden, 2 + (2 * pair), 1).relu(), 3 + (2 * pair), 1);

    private Tensor Convolved(Tensor hidden, int layer, int around) => nn.functional.conv2d(hidden, _weights.Values[2 * layer], _weights.Values[(2 * layer) + 1], padding: [around, around]);

    private static IEnumerable<Tensor> Weights(RandomKey key)
    {
        foreach (var (layer, inputs, outputs, side) in new[] { (0, 1, Width, 3), (1, Width, 1, 1) }.Concat(Enumerable.Range(2, 2 * Pairs).Select(static layer => (layer, Width, Width, 3))))
        {
            var random = key.For("layer", layer).Open();
            Tensor Uniform(params long[] shape) => tensor([.. Enumerable.Range(0, (int)shape.Aggregate(static (a, b) => a * b)).Select(_ => (float)(((2 * random.NextDouble()) - 1) / Math.Sqrt(inputs * side * side)))]).reshape(shape);
            yield return Uniform(outputs, inputs, side, side);
            yield return Uniform(outputs);
        }
    }
}
