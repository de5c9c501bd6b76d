using static TorchSharp.torch;

namespace LeapAlign.Contracts.Adapters;

/// <summary>What a linear layer does in its network.</summary>
public enum SiteRole
{
    /// <summary>Projects queries, keys, values or the output of an attention.</summary>
    Attention,

    /// <summary>A layer of a feed-forward network of a block.</summary>
    FeedForward,

    /// <summary>Makes shifts, scales and gates of the conditioning.</summary>
    Modulation,

    /// <summary>Embeds the input, the text or the time, or makes the output.</summary>
    Embedding,

    /// <summary>
    /// Its output is read by nothing, so that an adapter would learn nothing there: the queries of the last block's context in SD3. It is named since files of other
    /// trainers have factors for it.
    /// </summary>
    Unread,
}

/// <summary>What an adapter adds to a linear layer.</summary>
public interface ISiteAdapter
{
    /// <summary>
    /// The tensors that <see cref="Apply"/> uses now, in the precision of the network: where gradients are enabled, connected with the trained parameters. Empty
    /// where the layer's output stays as it is. They are named so that a part of the network that is computed again in the backward can hand them to autograd.
    /// </summary>
    IReadOnlyList<Tensor> Tensors { get; }

    /// <summary>The output of the adapted layer.</summary>
    /// <param name="input">[..., in], what the layer was given.</param>
    /// <param name="output">[..., out], what the layer made of it.</param>
    /// <param name="tensors"><see cref="Tensors"/>, or what stands for them in a recomputation.</param>
    /// <returns>[..., out], in the type of <paramref name="output"/>.</returns>
    Tensor Apply(Tensor input, Tensor output, IReadOnlyList<Tensor> tensors);
}

/// <summary>
/// A linear layer that a model offers to adapters, <c>y = W x + b</c>. The frozen W may be mapped or quantised: an adapter sees input and output alone.
/// </summary>
/// <param name="name">The layer's name in the checkpoint without <c>.weight</c>, for instance <c>transformer_blocks.0.attn.to_q</c>.</param>
/// <param name="inputs">The width of its input.</param>
/// <param name="outputs">The width of its output.</param>
/// <param name="role">What it does.</param>
public sealed class AdapterSite(string name, long inputs, long outputs, SiteRole role)
{
    /// <summary>The layer's name in the checkpoint without <c>.weight</c>.</summary>
    public string Name => name;

    /// <summary>The width of its input.</summary>
    public long Inputs => inputs;

    /// <summary>The width of its output.</summary>
    public long Outputs => outputs;

    /// <summary>What it does.</summary>
    public SiteRole Role => role;

    /// <summary>What is attached; null for nothing. The layer asks at each evaluation.</summary>
    public ISiteAdapter? Adapter { get; private set; }

    /// <summary>Attaches an adapter.</summary>
    /// <exception cref="InvalidOperationException">One is attached.</exception>
    public void Attach(ISiteAdapter adapter)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        if (Adapter is not null) throw new InvalidOperationException($"'{name}' has an adapter already");
        Adapter = adapter;
    }

    /// <summary>Removes what is attached.</summary>
    public void Detach() => Adapter = null;
}
