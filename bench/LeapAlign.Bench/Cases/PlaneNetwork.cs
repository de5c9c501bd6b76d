using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>A velocity of the plane: three hidden layers of 64, SiLU, of a point, its noise level and, where there are some, its condition. Its weights, and Adam of them.</summary>
internal sealed class PlaneNetwork : IDisposable
{
    private static readonly int[] s_sizes = [3, 64, 64, 64, 2];
    private readonly Tensor[] _weights;
    private readonly Tensor[] _means;
    private readonly Tensor[] _squares;
    private int _updates;

    private PlaneNetwork(Tensor[] weights)
    {
        _weights = [.. weights.Select(static weight => weight.requires_grad_().DetachFromDisposeScope())];
        _means = [.. weights.Select(static weight => zeros_like(weight).DetachFromDisposeScope())];
        _squares = [.. weights.Select(static weight => zeros_like(weight).DetachFromDisposeScope())];
    }

    /// <summary>Uniform weights within one over the root of what goes in.</summary>
    /// <param name="key">Of the weights.</param>
    /// <param name="conditions">Numbers of a condition.</param>
    public static PlaneNetwork Random(RandomKey key, int conditions = 0)
    {
        using var scope = NewDisposeScope();
        int[] sizes = [s_sizes[0] + conditions, .. s_sizes[1..]];
        List<Tensor> weights = [];
        for (var layer = 0; layer + 1 < sizes.Length; layer++)
        {
            var bound = 1 / Math.Sqrt(sizes[layer]);
            var random = key.For("layer", layer).Open();
            Tensor Uniform(params long[] shape) => tensor([.. Enumerable.Range(0, (int)shape.Aggregate(static (a, b) => a * b)).Select(_ => (float)(((2 * random.NextDouble()) - 1) * bound))]).reshape(shape);
            weights.AddRange([Uniform(sizes[layer + 1], sizes[layer]), Uniform(sizes[layer + 1])]);
        }
        return new PlaneNetwork([.. weights]);
    }

    /// <summary>The same weights, with a fresh optimizer.</summary>
    public PlaneNetwork Copy()
    {
        using var _ = no_grad();
        return new PlaneNetwork([.. _weights.Select(static weight => weight.detach().clone())]);
    }

    /// <summary>v, [B, 2].</summary>
    /// <param name="points">[B, 2].</param>
    /// <param name="sigmas">[B].</param>
    /// <param name="conditions">[B, n]; null where the network has none.</param>
    public Tensor Velocity(Tensor points, Tensor sigmas, Tensor? conditions = null)
    {
        var hidden = cat(conditions is null ? [points, sigmas.unsqueeze(1)] : [points, sigmas.unsqueeze(1), conditions], 1);
        for (var layer = 0; layer < _weights.Length; layer += 2)
        {
            hidden = nn.functional.linear(hidden, _weights[layer], _weights[layer + 1]);
            if (layer + 2 < _weights.Length) hidden = nn.functional.silu(hidden);
        }
        return hidden;
    }

    /// <summary>The flow-matching error of each point, [B].</summary>
    public Tensor Errors(Tensor clean, Tensor sigmas, Tensor noise, Tensor? conditions = null)
    {
        var level = sigmas.unsqueeze(1);
        return (Velocity(((1 - level) * clean) + (level * noise), sigmas, conditions) - (noise - clean)).square().mean([1]);
    }

    /// <summary>Makes an update of Adam with the gradients that there are, and forgets them.</summary>
    /// <param name="rate">The learning rate.</param>
    /// <param name="clip">The longest gradient; null for any.</param>
    public void Update(double rate, double? clip = null)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        _updates++;
        var norm = Math.Sqrt(_weights.Sum(static weight => weight.grad!.square().sum().item<float>()));
        var share = clip is { } limit ? Math.Min(1, limit / (norm + 1e-6)) : 1;
        for (var i = 0; i < _weights.Length; i++)
        {
            var gradient = _weights[i].grad! * share;
            _means[i].mul_(0.9).add_(gradient, alpha: 0.1);
            _squares[i].mul_(0.999).addcmul_(gradient, gradient, value: 0.001);
            var deviation = (_squares[i] / (1 - Math.Pow(0.999, _updates))).sqrt() + 1e-8;
            _weights[i].sub_(_means[i] / deviation * (rate / (1 - Math.Pow(0.9, _updates))));
            _weights[i].grad = null;
        }
    }

    /// <summary>Points that it draws in 20 Euler steps, [count, 2]; the caller's.</summary>
    public Tensor Draw(RandomKey key, int count)
    {
        const int steps = 20;
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var points = key.Normal([count, 2], CPU);
        for (var step = 0; step < steps; step++) points = points - (Velocity(points, full([count], 1 - ((double)step / steps), dtype: ScalarType.Float32)) / steps);
        return points.MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        foreach (var tensor in _weights.Concat(_means).Concat(_squares)) tensor.Dispose();
    }
}
