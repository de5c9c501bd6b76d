using LeapAlign.Contracts.Weights;
using LeapAlign.Networks.Mmdit;
using LeapAlign.Networks.Weights;

namespace LeapAlign.Pipelines;

/// <summary>What is trained of a pipeline: all weights of its transformer, or none of them, and the gap embedding of a flow map behind them.</summary>
public static class PipelineWeights
{
    /// <summary>Joins them.</summary>
    /// <param name="transformer">The weights of the transformer.</param>
    /// <param name="isTrained">Whether they are trained.</param>
    /// <param name="gap">The gap embedding; null for a velocity.</param>
    public static ITrainable Of(WeightSet transformer, bool isTrained, GapEmbedding? gap)
    {
        var own = new OfTransformer(transformer, isTrained);
        return gap is null ? own : isTrained ? new JointTrainable(own, gap) : gap;
    }

    private sealed class OfTransformer(WeightSet set, bool isTrained) : ITrainable
    {
        public ParameterSet Parameters { get; } = isTrained ? set.ToParameterSet() : ParameterSet.Empty;

        public void Refresh() => set.Refresh();

        public IDisposable Use(Policy policy) => set.Use(policy);
    }
}
