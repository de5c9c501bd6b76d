using LeapAlign.Contracts.Adapters;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Mmdit;

/// <summary>Width → 4 × width → width, GELU (tanh form) between.</summary>
public sealed class FeedForward
{
    private readonly Linear _expand;
    private readonly Linear _contract;

    /// <summary>Declares <c>net.0.proj</c> and <c>net.2</c>.</summary>
    public FeedForward(WeightScope scope, long width)
    {
        _expand = new Linear(scope / "net" / 0 / "proj", width, 4 * width, role: SiteRole.FeedForward);
        _contract = new Linear(scope / "net" / 2, 4 * width, width, role: SiteRole.FeedForward);
    }

    /// <summary>[B, T, width] to the same shape.</summary>
    public Tensor Forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return _contract.Forward(Activation.GeluTanh(_expand.Forward(input))).MoveToOuterDisposeScope();
    }
}
