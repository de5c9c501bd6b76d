using LeapAlign.Contracts.Adapters;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Mmdit;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Sd3;

/// <summary>Attention of image tokens among themselves: the second attention of dual blocks (<c>attn2</c>).</summary>
internal sealed class SelfAttention
{
    private readonly AttentionProjections _projections;
    private readonly Linear _output;

    public SelfAttention(WeightScope scope, Sd3Config config)
    {
        _projections = new AttentionProjections(scope, (config.Heads, config.HeadWidth), config.NormalisesQueriesAndKeys, AttentionProjections.ImageNames);
        _output = new Linear(scope / "to_out" / 0, config.Width, config.Width, role: SiteRole.Attention);
    }

    /// <summary>[B, T, width] to the same shape.</summary>
    public Tensor Forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var attended = Attention.Attend(_projections.Queries(input), _projections.Keys(input), _projections.Values(input));
        return _output.Forward(Attention.JoinHeads(attended)).MoveToOuterDisposeScope();
    }
}
