using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using static TorchSharp.torch;

namespace LeapAlign.Pipelines;

/// <summary>The embeddings of a batch of captions, and under guidance of what they lead away from.</summary>
/// <param name="captions">It owns them.</param>
/// <param name="negative">As <see cref="Negative"/>; it owns them, too.</param>
/// <param name="guidance">The guidance.</param>
public sealed class BranchedConditioning(TextEmbedding captions, TextEmbedding? negative, Guidance guidance) : Conditioning
{
    /// <summary>The captions.</summary>
    public TextEmbedding Captions { get; } = captions;

    /// <summary>The negative captions, the empty one where there are none, one for each sample; null without guidance.</summary>
    public TextEmbedding? Negative { get; } = negative;

    /// <inheritdoc/>
    public override int BatchSize => (int)Captions.Pooled.shape[0];

    /// <inheritdoc/>
    public override int EvaluationsPerVelocity => Negative is null ? 1 : 2;

    /// <inheritdoc/>
    public override long? Tokens => Captions.Context.shape[0] * Captions.Context.shape[1] * EvaluationsPerVelocity;

    /// <summary>Embeds a request: captions, and under guidance the negative ones or the empty one for all.</summary>
    /// <param name="request">The request.</param>
    /// <param name="embed">Embeds captions.</param>
    public static BranchedConditioning Of(ConditioningRequest request, Func<IReadOnlyList<string>, TextEmbedding> embed)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(embed);
        var captions = embed(request.Captions);
        if (!request.Guidance.IsActive) return new BranchedConditioning(captions, null, request.Guidance);
        if (request.Negatives is { } negatives) return new BranchedConditioning(captions, embed(negatives), request.Guidance);
        using var empty = embed([""]);
        return new BranchedConditioning(captions, empty.Repeat(request.Captions.Count), request.Guidance);
    }

    /// <summary>The guided velocity.</summary>
    /// <param name="latents">[B, ...].</param>
    /// <param name="branch">Evaluates the network with the embeddings of one branch.</param>
    public Tensor Guide(Tensor latents, Func<TextEmbedding, Tensor, Tensor> branch)
    {
        ArgumentNullException.ThrowIfNull(branch);
        Tensor Conditional(Tensor state) => branch(Captions, state);
        return Negative is { } away ? guidance.Apply(latents, Conditional, state => branch(away, state)) : Conditional(latents);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        Captions.Dispose();
        Negative?.Dispose();
    }
}
