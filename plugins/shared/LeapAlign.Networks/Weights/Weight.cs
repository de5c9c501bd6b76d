using LeapAlign.Contracts.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Weights;

/// <summary>
/// A named place for a tensor in a network. Layers hold the place, not the tensor, so that a whole network can compute with the trained weights, with
/// a copy of them in another precision or with their moving average, without being rebuilt.
/// </summary>
public sealed class Weight
{
    private Tensor? _master;
    private Tensor? _copy;
    private Tensor? _substitute;

    internal Weight(string name, long[] shape, bool isBuffer, ParameterRole? role = null)
    {
        Name = name;
        Shape = shape;
        IsBuffer = isBuffer;
        Role = role ?? Parameter.RoleOf(name, shape);
        FileName = name;
    }

    /// <summary>The name in diffusers or transformers checkpoints, for instance <c>transformer_blocks.0.attn.to_q.weight</c>.</summary>
    public string Name { get; }

    /// <summary>The shape, in PyTorch order.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>What it is to the network.</summary>
    public ParameterRole Role { get; }

    /// <summary>A stored constant (a position table): loaded and saved, never trained and never rounded to the compute type.</summary>
    public bool IsBuffer { get; }

    /// <summary>The name that the tensor had in the file it came from; it is saved under the same.</summary>
    public string FileName { get; internal set; }

    /// <summary>The precision in which the file held the tensor.</summary>
    public ScalarType FileType { get; internal set; } = ScalarType.Float32;

    /// <summary>The stored tensor: what is trained and saved.</summary>
    /// <exception cref="InvalidOperationException">Nothing has been loaded.</exception>
    public Tensor Master => _master ?? throw new InvalidOperationException($"weight '{Name}' was never loaded");

    /// <summary>
    /// What the network computes with: <see cref="Master"/>, a copy of it in the compute type, or what stands in its place. Where gradients are enabled, each
    /// call gives the one copy an edge of its own to the master, in whose type gradients are added up (<see cref="MasterEdge"/>); the handle then belongs to
    /// the dispose scope of the caller.
    /// </summary>
    /// <exception cref="InvalidOperationException">Nothing has been loaded.</exception>
    public Tensor Value
    {
        get
        {
            if (_substitute is not null) return _substitute;
            if (_copy is null) return Master;
            return Master.requires_grad && is_grad_enabled() ? MasterEdge.Of(Master, _copy) : _copy;
        }
    }

    /// <summary>The precision of <see cref="Value"/>.</summary>
    /// <exception cref="InvalidOperationException">Nothing has been loaded.</exception>
    public ScalarType ComputeType => (_substitute ?? _copy ?? Master).dtype;

    internal void Store(Tensor master)
    {
        Release();
        _master = master.DetachFromDisposeScope();
    }

    /// <summary>Computes with <see cref="Master"/> in the given type from now on, as it is now.</summary>
    internal void Refresh(ScalarType computeType)
    {
        _copy?.Dispose();
        _copy = Keeps(Master, computeType) ? null : Cast(Master, computeType);
    }

    /// <summary>Another tensor in the type that the network computes in, for <see cref="Substitute"/>; whoever asks disposes it.</summary>
    internal Tensor Copy(Tensor source, ScalarType computeType) =>
        // A second handle, so that disposing what the network computes with never disposes what is stored.
        Keeps(source, computeType) ? source.alias().DetachFromDisposeScope() : Cast(source, computeType);

    /// <summary>Computes with a tensor in the place of the master, or with the master again.</summary>
    internal void Substitute(Tensor? value) => _substitute = value;

    internal void Release()
    {
        _copy?.Dispose();
        _master?.Dispose();
        _copy = _master = _substitute = null;
    }

    private bool Keeps(Tensor source, ScalarType computeType) => IsBuffer || source.dtype == computeType;

    private static Tensor Cast(Tensor source, ScalarType computeType)
    {
        using var _ = no_grad();
        return source.to(computeType).DetachFromDisposeScope();
    }
}
