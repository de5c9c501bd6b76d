using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Vae;

/// <summary>Two normalised 3 × 3 convolutions beside a shortcut, which is a 1 × 1 convolution where the channels change.</summary>
internal sealed class ResidualBlock
{
    public const double Epsilon = 1e-6;
    private readonly GroupNorm _norm1;
    private readonly Conv2d _conv1;
    private readonly GroupNorm _norm2;
    private readonly Conv2d _conv2;
    private readonly Conv2d? _shortcut;

    public ResidualBlock(WeightScope scope, int groups, int inChannels, int outChannels)
    {
        _norm1 = new GroupNorm(scope / "norm1", groups, inChannels, Epsilon);
        _conv1 = new Conv2d(scope / "conv1", (inChannels, outChannels), kernel: 3, padding: 1);
        _norm2 = new GroupNorm(scope / "norm2", groups, outChannels, Epsilon);
        _conv2 = new Conv2d(scope / "conv2", (outChannels, outChannels), kernel: 3, padding: 1);
        if (inChannels != outChannels) _shortcut = new Conv2d(scope / "conv_shortcut", (inChannels, outChannels), kernel: 1);
    }

    /// <summary>[B, in, H, W] to [B, out, H, W].</summary>
    public Tensor Forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var hidden = _conv1.Forward(Activation.Silu(_norm1.Forward(input)));
        hidden = _conv2.Forward(Activation.Silu(_norm2.Forward(hidden)));
        return ((_shortcut?.Forward(input) ?? input) + hidden).MoveToOuterDisposeScope();
    }
}
