using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Qwen3;

/// <summary><c>h += o(attention(h))</c> with fewer heads of keys than of queries, then <c>h += down(SiLU(gate u) ⊙ up u)</c>, each from the RMS norm of h.</summary>
internal sealed class Qwen3Layer
{
    private readonly RmsNorm _attentionNorm, _mlpNorm, _queryNorm, _keyNorm;
    private readonly Linear _query, _key, _value, _output, _gate, _up, _down;
    private readonly Qwen3Config _config;

    public Qwen3Layer(Qwen3Config config, WeightScope scope)
    {
        _config = config;
        var (attention, mlp) = (scope / "self_attn", scope / "mlp");
        Linear Projection(string name, long inputs, long outputs) => new(attention / name, inputs, outputs, config.HasAttentionBias);
        var (queries, keys) = ((long)config.Heads * config.HeadWidth, (long)config.KeyHeads * config.HeadWidth);
        _query = Projection("q_proj", config.Width, queries);
        _key = Projection("k_proj", config.Width, keys);
        _value = Projection("v_proj", config.Width, keys);
        _output = Projection("o_proj", queries, config.Width);
        _queryNorm = new RmsNorm(attention / "q_norm", config.HeadWidth, config.Epsilon);
        _keyNorm = new RmsNorm(attention / "k_norm", config.HeadWidth, config.Epsilon);
        _gate = new Linear(mlp / "gate_proj", config.Width, config.Intermediate, bias: false);
        _up = new Linear(mlp / "up_proj", config.Width, config.Intermediate, bias: false);
        _down = new Linear(mlp / "down_proj", config.Intermediate, config.Width, bias: false);
        _attentionNorm = new RmsNorm(scope / "input_layernorm", config.Width, config.Epsilon);
        _mlpNorm = new RmsNorm(scope / "post_attention_layernorm", config.Width, config.Epsilon);
    }

    public Tensor Forward(Tensor hidden, (Tensor Cosines, Tensor Sines) angles, Tensor mask)
    {
        using var scope = NewDisposeScope();
        var input = _attentionNorm.Forward(hidden);
        var query = Turned(_queryNorm.Forward(_query.Forward(input).unflatten(2, [_config.Heads, -1])), angles);
        var key = Shared(Turned(_keyNorm.Forward(_key.Forward(input).unflatten(2, [_config.KeyHeads, -1])), angles));
        var value = Shared(Attention.SplitHeads(_value.Forward(input), _config.KeyHeads));
        hidden = hidden + _output.Forward(Attention.JoinHeads(Attention.Attend(query, key, value, mask)));
        input = _mlpNorm.Forward(hidden);
        return (hidden + _down.Forward(Activation.Silu(_gate.Forward(input)) * _up.Forward(input))).MoveToOuterDisposeScope();
    }

    // Number i of the first half of a head turns with number i of its second half.
    private static Tensor Turned(Tensor heads, (Tensor Cosines, Tensor Sines) angles)
    {
        var halves = heads.transpose(1, 2).chunk(2, -1);
        var (cosines, sines) = (angles.Cosines.to(heads.dtype), angles.Sines.to(heads.dtype));
        return cat([(halves[0] * cosines) - (halves[1] * sines), (halves[1] * cosines) + (halves[0] * sines)], -1);
    }

    // [B, key heads, T, d] to [B, heads, T, d]: neighbouring heads of queries share one.
    private Tensor Shared(Tensor heads)
    {
        var times = _config.Heads / _config.KeyHeads;
        return times == 1 ? heads : heads.unsqueeze(2).expand(-1, -1, times, -1, -1).flatten(1, 2);
    }
}
