using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Vae;

/// <summary>Attention of one head among all places of a picture, added to it.</summary>
internal sealed class SpatialAttention
{
    private readonly GroupNorm _norm;
    private readonly Linear _query;
    private readonly Linear _key;
    private readonly Linear _value;
    private readonly Linear _output;

    public SpatialAttention(WeightScope scope, int groups, int channels)
    {
        _norm = new GroupNorm(scope / "group_norm", groups, channels, ResidualBlock.Epsilon);
        _query = new Linear(scope / "to_q", channels, channels);
        _key = new Linear(scope / "to_k", channels, channels);
        _value = new Linear(scope / "to_v", channels, channels);
        _output = new Linear(scope / "to_out" / 0, channels, channels);
    }

    /// <summary>[B, C, H, W] to the same shape.</summary>
    public Tensor Forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var shape = input.shape;
        var places = _norm.Forward(input).flatten(2).transpose(1, 2);
        var attended = Attention.Attend(OneHead(_query.Forward(places)), OneHead(_key.Forward(places)), OneHead(_value.Forward(places)));
        var output = _output.Forward(attended.squeeze(1)).transpose(1, 2).reshape(shape);
        return (input + output).MoveToOuterDisposeScope();
    }

    private static Tensor OneHead(Tensor tokens) => tokens.unsqueeze(1);
}
