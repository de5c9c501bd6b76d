using LeapAlign.Contracts.Adapters;
using LeapAlign.Networks.Flux;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.ZImage;

/// <summary>
/// A block with a norm before and behind each of its branches: <c>x += tanh(g₁) norm₂(attention((1 + s₁) norm₁(x)))</c>, and the same with the feed-forward network. Blocks of the caption alone have
/// neither scales s nor gates g.
/// </summary>
internal sealed class ZImageBlock
{
    private const int Parts = 4;
    private static readonly TorchSharp.Scalar One = 1;
    private readonly Linear? _modulation;
    private readonly ZImageAttention _attention;
    private readonly RmsNorm _beforeAttention, _afterAttention, _beforeFeedForward, _afterFeedForward;
    private readonly Linear _gate, _value, _contract;

    public ZImageBlock(WeightScope scope, ZImageConfig config, bool isModulated)
    {
        _modulation = isModulated ? new Linear(scope / "adaLN_modulation" / 0, config.ConditioningWidth, Parts * config.Width, role: SiteRole.Modulation) : null;
        _attention = new ZImageAttention(scope / "attention", config);
        RmsNorm Norm(string name) => new(scope / name, config.Width, config.Epsilon);
        (_beforeAttention, _afterAttention, _beforeFeedForward, _afterFeedForward) = (Norm("attention_norm1"), Norm("attention_norm2"), Norm("ffn_norm1"), Norm("ffn_norm2"));
        var inner = (long)(config.Width / 3.0 * 8);
        var feedForward = scope / "feed_forward";
        _gate = new Linear(feedForward / "w1", config.Width, inner, bias: false, role: SiteRole.FeedForward);
        _contract = new Linear(feedForward / "w2", inner, config.Width, bias: false, role: SiteRole.FeedForward);
        _value = new Linear(feedForward / "w3", config.Width, inner, bias: false, role: SiteRole.FeedForward);
    }

    /// <summary>Runs the block.</summary>
    /// <param name="tokens">[B, T, width].</param>
    /// <param name="conditioning">[B, A]; blocks of the caption do not look at it.</param>
    /// <param name="positions">Of the tokens.</param>
    /// <param name="mask">Added to the scores, [B, 1, 1, T]; null for none.</param>
    /// <returns>The same shape.</returns>
    public Tensor Forward(Tensor tokens, Tensor conditioning, RotaryPositions positions, Tensor? mask)
    {
        using var scope = NewDisposeScope();
        // Scale and gate of the attention, then of the feed-forward network.
        var parts = _modulation?.Forward(conditioning).unsqueeze(1).chunk(Parts, -1);
        var attended = Added(tokens, _afterAttention.Forward(_attention.Forward(Scaled(_beforeAttention.Forward(tokens), parts?[0]), positions, mask)), parts?[1]);
        var input = Scaled(_beforeFeedForward.Forward(attended), parts?[2]);
        var update = _contract.Forward(Activation.Silu(_gate.Forward(input)) * _value.Forward(input));
        return Added(attended, _afterFeedForward.Forward(update), parts?[3]).MoveToOuterDisposeScope();
    }

    private static Tensor Scaled(Tensor normed, Tensor? scale) => scale is null ? normed : normed * scale.add(One);

    private static Tensor Added(Tensor stream, Tensor update, Tensor? gate) => gate is null ? stream + update : addcmul(stream, update, gate.tanh(), One);
}

/// <summary>Attention of tokens among themselves (<c>attention</c>), without biases.</summary>
internal sealed class ZImageAttention
{
    // Fixed, whatever the configuration says of the other norms.
    private const double Epsilon = 1e-5;
    private readonly Linear _query, _key, _value, _output;
    private readonly RmsNorm? _queryNorm, _keyNorm;
    private readonly int _heads;

    public ZImageAttention(WeightScope scope, ZImageConfig config)
    {
        _heads = config.Heads;
        Linear Projection(WeightScope of) => new(of, config.Width, config.Width, bias: false, role: SiteRole.Attention);
        (_query, _key, _value, _output) = (Projection(scope / "to_q"), Projection(scope / "to_k"), Projection(scope / "to_v"), Projection(scope / "to_out" / 0));
        if (!config.NormalisesHeads) return;
        var width = config.Width / config.Heads;
        (_queryNorm, _keyNorm) = (new RmsNorm(scope / "norm_q", width, Epsilon), new RmsNorm(scope / "norm_k", width, Epsilon));
    }

    /// <summary>[B, T, width] to the same shape.</summary>
    public Tensor Forward(Tensor tokens, RotaryPositions positions, Tensor? mask)
    {
        using var scope = NewDisposeScope();
        Tensor Turned(Linear projection, RmsNorm? norm)
        {
            var heads = projection.Forward(tokens).unflatten(2, [_heads, -1]);
            return positions.Turn((norm?.Forward(heads) ?? heads).transpose(1, 2));
        }

        var values = Attention.SplitHeads(_value.Forward(tokens), _heads);
        return _output.Forward(Attention.JoinHeads(Attention.Attend(Turned(_query, _queryNorm), Turned(_key, _keyNorm), values, mask))).MoveToOuterDisposeScope();
    }
}
