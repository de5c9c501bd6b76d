using static TorchSharp.torch;

namespace LeapAlign.Networks.Weights;

/// <summary>
/// A named place for a tensor in a network. Layers hold the place, not the tensor, so that a whole network can compute with the trained weights, with
/// a copy of them in another precision or with their moving average, without being rebuilt.
/// </summary>
public sealed class Weight
{
    private Tensor? _master;
    private Tensor? _value;

    internal Weight(string name, long[] shape, bool isBuffer)
    {
        Name = name;
        Shape = shape;
        IsBuffer = isBuffer;
        FileName = name;
    }

    /// <summary>The name in diffusers or transformers checkpoints, for instance <c>transformer_blocks.0.attn.to_q.weight</c>.</summary>
    public string Name { get; }

    /// <summary>The shape, in PyTorch order.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>A stored constant (a position table): loaded and saved, never trained and never rounded to the compute type.</summary>
    public bool IsBuffer { get; }

    /// <summary>The name that the tensor had in the file it came from; it is saved under the same.</summary>
    public string FileName { get; internal set; }

    /// <summary>The precision in which the file held the tensor.</summary>
    public ScalarType FileType { get; internal set; } = ScalarType.Float32;

    /// <summary>The stored tensor: what is trained and saved.</summary>
    /// <exception cref="InvalidOperationException">Nothing has been loaded.</exception>
    public Tensor Master => _master ?? throw new InvalidOperationException($"weight '{Name}' was never loaded");

    /// <summary>What the network computes with: <see cref="Master"/> or a differentiable copy of it in the compute type.</summary>
    /// <exception cref="InvalidOperationException">Nothing has been loaded.</exception>
    public Tensor Value => _value ?? throw new InvalidOperationException($"weight '{Name}' was never loaded");

    internal void Store(Tensor master)
    {
        Release();
        _master = master.DetachFromDisposeScope();
        _value = _master;
    }

    /// <summary>Computes with <paramref name="source"/> in the given type from now on.</summary>
    internal void ComputeFrom(Tensor source, ScalarType computeType)
    {
        if (_value is not null && !ReferenceEquals(_value, _master)) _value.Dispose();
        if (IsBuffer || source.dtype == computeType)
        {
            // A second handle, so that disposing what the network computes with never disposes what is stored.
            _value = ReferenceEquals(source, _master) ? _master : source.alias().DetachFromDisposeScope();
            return;
        }
        _value = source.to(computeType).DetachFromDisposeScope();
    }

    internal void Release()
    {
        if (_value is not null && !ReferenceEquals(_value, _master)) _value.Dispose();
        _master?.Dispose();
        _value = _master = null;
    }
}
