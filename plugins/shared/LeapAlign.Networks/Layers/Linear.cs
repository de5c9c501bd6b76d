using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Planning;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Layers;

/// <summary><c>y = x Wᵀ + b</c> over the last dimension; <c>W</c> is [out, in].</summary>
public sealed class Linear
{
    private readonly Weight _weight;
    private readonly Weight? _bias;
    private readonly AdapterSite? _site;

    /// <summary>Declares <c>weight</c> and, with <paramref name="bias"/>, <c>bias</c>.</summary>
    /// <param name="scope">The layer's scope.</param>
    /// <param name="inputs">The width of its input.</param>
    /// <param name="outputs">The width of its output.</param>
    /// <param name="bias">Whether it has a bias.</param>
    /// <param name="role">What it does, where adapters may be attached to it; null where not: in frozen networks, and where nothing reads the output.</param>
    public Linear(WeightScope scope, long inputs, long outputs, bool bias = true, SiteRole? role = null)
    {
        _site = role is { } does ? scope.Site(inputs, outputs, does) : null;
        _weight = scope.Weight("weight", outputs, inputs);
        // Shifts and scales of blocks, and what comes before and after the blocks, are few numbers that all others depend on.
        _weight.IsQuantisable = role is SiteRole.Attention or SiteRole.FeedForward;
        _bias = bias ? scope.Weight("bias", outputs) : null;
    }

    /// <summary>The type of the layer's arithmetic.</summary>
    public ScalarType ComputeType => _weight.ComputeType;

    /// <summary>[..., in] to [..., out].</summary>
    public Tensor Forward(Tensor input)
    {
        WorkCount.Add(input.numel() / _weight.Shape[1], _weight.Shape[1], _weight.Shape[0]);
        var output = _weight.Product(input, _bias?.Value);
        return _site?.Adapter is { } adapter && Recomputation.TensorsOf(_site) is { Count: > 0 } tensors ? adapter.Apply(input, output, tensors) : output;
    }
}
