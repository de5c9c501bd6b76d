using static TorchSharp.torch;

namespace LeapAlign.Pipelines;

/// <summary>What the text encoders make of a batch of captions. It owns its tensors.</summary>
/// <param name="context">Features of each token, [B, T, D].</param>
/// <param name="pooled">Features of the whole caption, [B, P].</param>
public sealed class TextEmbedding(Tensor context, Tensor pooled) : IDisposable
{
    /// <summary>Features of each token, [B, T, D].</summary>
    public Tensor Context { get; } = context.DetachFromDisposeScope();

    /// <summary>Features of the whole caption, [B, P].</summary>
    public Tensor Pooled { get; } = pooled.DetachFromDisposeScope();

    /// <summary>How many rows of <see cref="Context"/> each caption has; null where all of them count.</summary>
    public IReadOnlyList<int>? Lengths { get; init; }

    /// <summary>Memory of both.</summary>
    public long Bytes => (Context.numel() * Context.element_size()) + (Pooled.numel() * Pooled.element_size());

    /// <summary>A second owner of the same memory.</summary>
    public TextEmbedding Share() => new(Context.alias(), Pooled.alias()) { Lengths = Lengths };

    /// <summary>The single caption of this embedding, once for each of <paramref name="batch"/> samples.</summary>
    public TextEmbedding Repeat(int batch) => new(Context.expand(batch, -1, -1), Pooled.expand(batch, -1)) { Lengths = Lengths is [var length] ? [.. Enumerable.Repeat(length, batch)] : Lengths };

    /// <summary>Gives up this owner's part of the memory.</summary>
    public void Dispose()
    {
        Context.Dispose();
        Pooled.Dispose();
    }
}
