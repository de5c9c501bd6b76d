using LeapAlign.Contracts.Adapters;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Mmdit;

/// <summary>Queries, keys and values of one stream, per head, queries and keys normalised where the model does that.</summary>
internal sealed class AttentionProjections
{
    /// <summary>What diffusers calls the projections of image tokens, and of all tokens where one stream holds them.</summary>
    public static readonly (string Query, string Key, string Value, string QueryNorm, string KeyNorm) ImageNames = ("to_q", "to_k", "to_v", "norm_q", "norm_k");

    /// <summary>What diffusers calls the projections of context tokens.</summary>
    public static readonly (string Query, string Key, string Value, string QueryNorm, string KeyNorm) ContextNames =
        ("add_q_proj", "add_k_proj", "add_v_proj", "norm_added_q", "norm_added_k");

    private const double Epsilon = 1e-6;
    private readonly Linear _query;
    private readonly Linear _key;
    private readonly Linear _value;
    private readonly RmsNorm? _queryNorm;
    private readonly RmsNorm? _keyNorm;
    private readonly int _heads;

    /// <param name="scope">The attention's scope.</param>
    /// <param name="size">The number of heads and the width of one.</param>
    /// <param name="normalises">Whether queries and keys are RMS-normalised per head.</param>
    /// <param name="names">The names of the projections of queries, keys and values, then of the norms of queries and keys.</param>
    /// <param name="hasQueries">Whether anything reads the queries.</param>
    public AttentionProjections(
        WeightScope scope, (int Heads, int HeadWidth) size, bool normalises, (string Query, string Key, string Value, string QueryNorm, string KeyNorm) names, bool hasQueries = true)
    {
        _heads = size.Heads;
        var width = (long)size.Heads * size.HeadWidth;
        _query = new Linear(scope / names.Query, width, width, role: hasQueries ? SiteRole.Attention : SiteRole.Unread);
        _key = new Linear(scope / names.Key, width, width, role: SiteRole.Attention);
        _value = new Linear(scope / names.Value, width, width, role: SiteRole.Attention);
        if (!normalises) return;
        _queryNorm = new RmsNorm(scope / names.QueryNorm, size.HeadWidth, Epsilon);
        _keyNorm = new RmsNorm(scope / names.KeyNorm, size.HeadWidth, Epsilon);
    }

    /// <summary>[B, T, width] to queries [B, heads, T, d].</summary>
    public Tensor Queries(Tensor input) => Split(_query.Forward(input), _queryNorm);

    /// <summary>[B, T, width] to keys [B, heads, T, d].</summary>
    public Tensor Keys(Tensor input) => Split(_key.Forward(input), _keyNorm);

    /// <summary>[B, T, width] to values [B, heads, T, d].</summary>
    public Tensor Values(Tensor input) => Split(_value.Forward(input), null);

    private Tensor Split(Tensor projected, RmsNorm? norm)
    {
        var heads = projected.unflatten(2, [_heads, -1]);
        return (norm?.Forward(heads) ?? heads).transpose(1, 2);
    }
}
