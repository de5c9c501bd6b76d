using LeapAlign.Contracts.Adapters;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Sd3;

/// <summary>Queries, keys and values of one stream, per head, queries and keys normalised where the model does that.</summary>
internal sealed class AttentionProjections
{
    private const double Epsilon = 1e-6;
    private readonly Linear _query;
    private readonly Linear _key;
    private readonly Linear _value;
    private readonly RmsNorm? _queryNorm;
    private readonly RmsNorm? _keyNorm;
    private readonly int _heads;

    /// <param name="scope">The attention's scope.</param>
    /// <param name="config">The architecture.</param>
    /// <param name="names">The names of the projections of queries, keys and values, then of the norms of queries and keys.</param>
    /// <param name="hasQueries">Whether anything reads the queries.</param>
    public AttentionProjections(WeightScope scope, Sd3Config config, (string Query, string Key, string Value, string QueryNorm, string KeyNorm) names, bool hasQueries = true)
    {
        _heads = config.Heads;
        _query = new Linear(scope / names.Query, config.Width, config.Width, role: hasQueries ? SiteRole.Attention : null);
        _key = new Linear(scope / names.Key, config.Width, config.Width, role: SiteRole.Attention);
        _value = new Linear(scope / names.Value, config.Width, config.Width, role: SiteRole.Attention);
        if (!config.NormalisesQueriesAndKeys) return;
        _queryNorm = new RmsNorm(scope / names.QueryNorm, config.HeadWidth, Epsilon);
        _keyNorm = new RmsNorm(scope / names.KeyNorm, config.HeadWidth, Epsilon);
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
