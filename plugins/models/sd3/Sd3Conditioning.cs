using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;

namespace LeapAlign.Models.Sd3;

/// <summary>The embeddings of a batch of captions, and of the empty caption under guidance.</summary>
internal sealed class Sd3Conditioning(TextEmbedding captions, TextEmbedding? empty, Guidance guidance) : Conditioning
{
    public TextEmbedding Captions { get; } = captions;

    /// <summary>The empty caption, once for each sample; null without guidance.</summary>
    public TextEmbedding? Empty { get; } = empty;

    public Guidance Guidance { get; } = guidance;

    public override int BatchSize => (int)Captions.Pooled.shape[0];

    public override int EvaluationsPerVelocity => Empty is null ? 1 : 2;

    public override long? Tokens => Captions.Context.shape[0] * Captions.Context.shape[1] * EvaluationsPerVelocity;

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        Captions.Dispose();
        Empty?.Dispose();
    }
}
