using LeapAlign.Contracts.Models;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Pipelines;

/// <summary>The hidden states of a pipeline's transformer, computed with its weights as they were when this was made, and without adapters.</summary>
/// <param name="weights">The weights; disposed with this.</param>
/// <param name="tokens">Computes the states of the image's tokens.</param>
/// <param name="captions">The embeddings of captions.</param>
/// <param name="gap">Is disposed with this, too; null for none.</param>
public sealed class PipelineFeatures(KeptWeights weights, Func<Tensor, IReadOnlyList<double>, Conditioning, Tensor> tokens, Func<Conditioning, TextEmbedding> captions, IDisposable? gap = null) : IFeatures
{
    /// <inheritdoc/>
    public Tensor Tokens(Tensor latents, IReadOnlyList<double> sigmas, Conditioning conditioning)
    {
        using var scope = NewDisposeScope();
        using var used = weights.Use();
        return tokens(latents, sigmas, conditioning).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor Captions(Conditioning conditioning) => captions(conditioning).Pooled.detach().to(ScalarType.Float32);

    /// <inheritdoc/>
    public void Dispose()
    {
        weights.Dispose();
        gap?.Dispose();
    }
}
