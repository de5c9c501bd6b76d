using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Clip;

/// <summary>A stack of pre-norm layers, the same in both towers.</summary>
internal sealed class ClipTransformer
{
    private readonly ClipLayer[] _layers;
    private readonly Recomputation[] _parts;

    /// <summary>Declares the layers.</summary>
    /// <param name="config">The size.</param>
    /// <param name="scope">The stack's scope.</param>
    /// <param name="layersPerCheckpoint">0 keeps the graph of all; n keeps what goes into every n-th layer, and computes n layers again in the backward.</param>
    public ClipTransformer(ClipTransformerConfig config, WeightScope scope, int layersPerCheckpoint = 0)
    {
        _layers = [.. Enumerable.Range(0, config.Layers).Select(index => new ClipLayer(config, scope / "layers" / index))];
        _parts = layersPerCheckpoint == 0 ? [] : [.. Enumerable.Range(0, config.Layers).Chunk(layersPerCheckpoint).Select(chunk => new Recomputation(
            [.. chunk.SelectMany(index => (scope / "layers" / index).Weights)], [], inputs => [Run(chunk, inputs[0], inputs.ElementAtOrDefault(1))]))];
    }

    /// <summary>Runs all layers.</summary>
    /// <param name="hidden">[B, T, width].</param>
    /// <param name="mask">Added to the attention scores, broadcast to [B, heads, T, T]; null for none.</param>
    /// <returns>The input of the last layer and its output, both [B, T, width].</returns>
    public (Tensor Penultimate, Tensor Last) Forward(Tensor hidden, Tensor? mask)
    {
        var penultimate = hidden;
        foreach (var layer in _layers)
        {
            penultimate = hidden;
            hidden = layer.Forward(hidden, mask);
        }
        return (penultimate, hidden);
    }

    /// <summary>The output of the last layer, [B, T, width]; graphs are kept or not as the stack was made.</summary>
    /// <inheritdoc cref="Forward"/>
    public Tensor Last(Tensor hidden, Tensor? mask)
    {
        if (_parts.Length == 0) return Forward(hidden, mask).Last;
        foreach (var part in _parts) hidden = (mask is null ? part.Forward(hidden) : part.Forward(hidden, mask))[0];
        return hidden;
    }

    private Tensor Run(int[] layers, Tensor hidden, Tensor? mask)
    {
        using var scope = NewDisposeScope();
        foreach (var index in layers) hidden = _layers[index].Forward(hidden, mask);
        return hidden.MoveToOuterDisposeScope();
    }
}

/// <summary><c>h += attention(LN₁ h)</c>, then <c>h += MLP(LN₂ h)</c>.</summary>
internal sealed class ClipLayer
{
    private readonly LayerNorm _norm1;
    private readonly LayerNorm _norm2;
    private readonly Linear _query;
    private readonly Linear _key;
    private readonly Linear _value;
    private readonly Linear _output;
    private readonly Linear _expand;
    private readonly Linear _contract;
    private readonly Func<Tensor, Tensor> _activation;
    private readonly long _heads;

    public ClipLayer(ClipTransformerConfig config, WeightScope scope)
    {
        var width = config.Width;
        _heads = config.Heads;
        _activation = config.Activation;
        _norm1 = new LayerNorm(scope / "layer_norm1", width, config.Epsilon);
        _query = new Linear(scope / "self_attn" / "q_proj", width, width);
        _key = new Linear(scope / "self_attn" / "k_proj", width, width);
        _value = new Linear(scope / "self_attn" / "v_proj", width, width);
        _output = new Linear(scope / "self_attn" / "out_proj", width, width);
        _norm2 = new LayerNorm(scope / "layer_norm2", width, config.Epsilon);
        _expand = new Linear(scope / "mlp" / "fc1", width, config.Intermediate);
        _contract = new Linear(scope / "mlp" / "fc2", config.Intermediate, width);
    }

    public Tensor Forward(Tensor hidden, Tensor? mask)
    {
        using var scope = NewDisposeScope();
        var normed = _norm1.Forward(hidden);
        var query = Attention.SplitHeads(_query.Forward(normed), _heads);
        var key = Attention.SplitHeads(_key.Forward(normed), _heads);
        var value = Attention.SplitHeads(_value.Forward(normed), _heads);
        hidden = hidden + _output.Forward(Attention.JoinHeads(Attention.Attend(query, key, value, mask)));
        return (hidden + _contract.Forward(_activation(_expand.Forward(_norm2.Forward(hidden))))).MoveToOuterDisposeScope();
    }
}
