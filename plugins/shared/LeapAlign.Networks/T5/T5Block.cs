using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Networks.T5;

/// <summary><c>h += o(softmax(q kᵀ + bias) v)</c>, then <c>h += wo(activation(wi₀ u) ⊙ wi₁ u)</c>, each from the RMS norm of h; nowhere a bias vector.</summary>
internal sealed class T5Block
{
    private const double Unscaled = 1.0;

    // The largest fp16 number less a margin that the next norm needs.
    private static readonly Scalar LargestHalf = 64504.0;
    private static readonly Scalar SmallestHalf = -64504.0;

    private readonly RmsNorm _attentionNorm;
    private readonly Linear _query;
    private readonly Linear _key;
    private readonly Linear _value;
    private readonly Linear _output;
    private readonly RmsNorm _mlpNorm;
    private readonly Linear _expand;
    private readonly Linear? _gate;
    private readonly Weight _contract;
    private readonly Func<Tensor, Tensor> _activation;
    private readonly long _heads;

    public T5Block(T5Config config, WeightScope scope)
    {
        var inner = config.Heads * config.HeadWidth;
        var (attention, mlp) = (scope / 0, scope / 1);
        var dense = mlp / "DenseReluDense";
        _heads = config.Heads;
        _activation = config.Activation;
        _query = new Linear(attention / "SelfAttention" / "q", config.Width, inner, bias: false);
        _key = new Linear(attention / "SelfAttention" / "k", config.Width, inner, bias: false);
        _value = new Linear(attention / "SelfAttention" / "v", config.Width, inner, bias: false);
        _output = new Linear(attention / "SelfAttention" / "o", inner, config.Width, bias: false);
        _attentionNorm = new RmsNorm(attention / "layer_norm", config.Width, config.Epsilon);
        _expand = new Linear(dense / (config.Gated ? "wi_0" : "wi"), config.Width, config.Intermediate, bias: false);
        _gate = config.Gated ? new Linear(dense / "wi_1", config.Width, config.Intermediate, bias: false) : null;
        _contract = (dense / "wo").Weight("weight", config.Width, config.Intermediate);
        _mlpNorm = new RmsNorm(mlp / "layer_norm", config.Width, config.Epsilon);
    }

    public Tensor Forward(Tensor hidden, Tensor bias)
    {
        using var scope = NewDisposeScope();
        var normed = _attentionNorm.Forward(hidden);
        var query = Attention.SplitHeads(_query.Forward(normed), _heads);
        var key = Attention.SplitHeads(_key.Forward(normed), _heads);
        var value = Attention.SplitHeads(_value.Forward(normed), _heads);
        hidden = Finite(hidden + _output.Forward(Attention.JoinHeads(Attention.Attend(query, key, value, bias, Unscaled))));
        normed = _mlpNorm.Forward(hidden);
        var inner = _activation(_expand.Forward(normed));
        if (_gate is not null) inner = inner * _gate.Forward(normed);
        return Finite(hidden + Contract(inner)).MoveToOuterDisposeScope();
    }

    private Tensor Contract(Tensor inner)
    {
        var weight = _contract.Value;
        if (inner.dtype != ScalarType.Float16) return nn.functional.linear(inner, weight);
        // Published weights overflow fp16 here.
        return nn.functional.linear(inner.to(ScalarType.Float32), weight.to(ScalarType.Float32)).clamp(SmallestHalf, LargestHalf).to(ScalarType.Float16);
    }

    private static Tensor Finite(Tensor hidden) => hidden.dtype == ScalarType.Float16 ? hidden.clamp(SmallestHalf, LargestHalf) : hidden;
}
