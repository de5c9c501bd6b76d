using static TorchSharp.torch;

namespace LeapAlign.Models.Sd3;

/// <summary>What the text encoders make of a batch of captions. It owns its tensors.</summary>
internal sealed class TextEmbedding(Tensor context, Tensor pooled) : IDisposable
{
    /// <summary>Token features, CLIP's then T5's, [B, T, D].</summary>
    public Tensor Context { get; } = context.DetachFromDisposeScope();

    /// <summary>Pooled features of both CLIP encoders, [B, P].</summary>
    public Tensor Pooled { get; } = pooled.DetachFromDisposeScope();

    /// <summary>A second owner of the same memory.</summary>
    public TextEmbedding Share() => new(Context.alias(), Pooled.alias());

    /// <summary>The single caption of this embedding, once for each of <paramref name="batch"/> samples.</summary>
    public TextEmbedding Repeat(int batch) => new(Context.expand(batch, -1, -1), Pooled.expand(batch, -1));

    public void Dispose()
    {
        Context.Dispose();
        Pooled.Dispose();
    }
}
