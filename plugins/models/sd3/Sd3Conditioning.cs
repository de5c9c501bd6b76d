using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Pipelines;

namespace LeapAlign.Models.Sd3;

/// <summary>The embeddings of a batch of captions, and under guidance of what they lead away from.</summary>
internal sealed class Sd3Conditioning(TextEmbedding captions, TextEmbedding? negative, Guidance guidance) : Conditioning
{
    public TextEmbedding Captions { get; } = captions;

    /// <summary>The negative captions, the empty one where there are none, one for each sample; null without guidance.</summary>
    public TextEmbedding? Negative { get; } = negative;

    public Guidance Guidance { get; } = guidance;

    public override int BatchSize => (int)Captions.Pooled.shape[0];

    public override int EvaluationsPerVelocity => Negative is null ? 1 : 2;

    public override long? Tokens => Captions.Context.shape[0] * Captions.Context.shape[1] * EvaluationsPerVelocity;

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        Captions.Dispose();
        Negative?.Dispose();
    }
}
