using LeapAlign.Contracts.Weights;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Quantization;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Weights;

/// <summary>Where weights that are not trained lie.</summary>
public enum WeightKeeping
{
    /// <summary>In memory of the process, in the precision that was asked for.</summary>
    Owned,

    /// <summary>In the file, where that holds them in the precision that was asked for; the others are converted once into memory of the process.</summary>
    Mapped,

    /// <summary>In the file, all of them; those in another precision are converted at each use. For networks that are seldom evaluated and never differentiated.</summary>
    Converted,
}

/// <summary>
/// A named place for a tensor in a network. Layers hold the place, not the tensor, so that a whole network can compute with the trained weights, with
/// a copy of them in another precision or with their moving average, without being rebuilt.
/// </summary>
public sealed class Weight
{
    private Tensor? _master;
    private Tensor? _copy;
    private Tensor? _substitute;
    private ScalarType? _atUse;
    private bool _convertsAtUse;
    private WeightHome _home = CPU;
    private QuantizedWeight? _quantized;

    internal Weight(WeightSet set, string name, long[] shape, bool isBuffer, ParameterRole? role = null)
    {
        Set = set;
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

    /// <summary>
    /// A stored constant (a position table): loaded and saved, never trained and never rounded to the compute type. It may be in the type of the file; who computes
    /// with it converts the part that it takes to fp32.
    /// </summary>
    public bool IsBuffer { get; }

    /// <summary>The name that the tensor had in the file it came from; it is saved under the same.</summary>
    public string FileName { get; internal set; }

    /// <summary>The precision in which the file held the tensor.</summary>
    public ScalarType FileType { get; internal set; } = ScalarType.Float32;

    /// <summary>The stored tensor: what is trained and saved.</summary>
    /// <exception cref="InvalidOperationException">Nothing has been loaded, or it is quantised.</exception>
    public Tensor Master => _master ?? throw new InvalidOperationException(IsQuantised ? $"weight '{Name}' is quantised" : $"weight '{Name}' was never loaded");

    /// <summary>Whether it is the weight of a linear layer in a block, which may be stored in fewer bits where it is frozen.</summary>
    public bool IsQuantisable { get; internal set; }

    /// <summary>Whether it is stored in fewer bits: products unpack it.</summary>
    public bool IsQuantised => _quantized is not null;

    /// <summary>How it is stored in fewer bits; null where it is not.</summary>
    public Quantization.Quantization? Quantization => _quantized?.Form;

    /// <summary>All weights of its network.</summary>
    internal WeightSet Set { get; }

    /// <summary>Whether it is trained: it has gradients then, and other policies may stand in its place.</summary>
    internal bool IsTrained { get; private set; }

    /// <summary>
    /// What the network computes with: <see cref="Master"/>, a copy of it in the compute type, or what stands in its place. Where gradients are enabled, each
    /// call gives the one copy an edge of its own to the master, in whose type gradients are added up (<see cref="MasterEdge"/>); the handle then belongs to
    /// the dispose scope of the caller. So does what is converted or copied to the device at each use (<see cref="WeightKeeping.Converted"/>, <see cref="WeightHome.Copies"/>), and what is dequantised,
    /// which is fp32.
    /// </summary>
    /// <exception cref="InvalidOperationException">Nothing has been loaded.</exception>
    public Tensor Value
    {
        get
        {
            if (_quantized is { } quantized) return quantized.Dequantised();
            if (IsTrained && Recomputation.For(this) is { } standIn) return standIn;
            if (_substitute is not null) return _substitute;
            if (_atUse is { } type) return Brought(type);
            if (_copy is null) return Master;
            return IsTrained && is_grad_enabled() ? MasterEdge.Of(Master, _copy) : _copy;
        }
    }

    /// <summary>The precision of <see cref="Value"/>.</summary>
    /// <exception cref="InvalidOperationException">Nothing has been loaded.</exception>
    public ScalarType ComputeType => _quantized is { } quantized ? quantized.Type : _atUse is { } type && _substitute is null ? type : (_substitute ?? _copy ?? Master).dtype;

    /// <summary>The bytes that it takes where it lies.</summary>
    internal long Bytes => _quantized?.Bytes ?? (_master is { } master ? master.numel() * master.element_size() : 0);

    internal void Store(Tensor master, WeightHome home, bool convertsAtUse = false)
    {
        Release();
        (_home, _convertsAtUse, IsTrained) = (home, convertsAtUse, false);
        _master = master.DetachFromDisposeScope();
    }

    internal void Store(QuantizedWeight quantized)
    {
        Release();
        (_convertsAtUse, IsTrained) = (false, false);
        _quantized = quantized;
    }

    /// <summary>The product of the layer whose weight this is.</summary>
    internal Tensor Product(Tensor input, Tensor? bias) => _quantized is { } quantized ? FrozenProduct.Of(quantized, input, bias)
        : _home.Copies ? FrozenProduct.Of(new Copied(this), input, bias)
        : nn.functional.linear(input, Value, bias);

    /// <summary>Trains it from now on, or no longer.</summary>
    internal void Train(bool trained)
    {
        if (IsQuantised && !trained) return;
        if (_home.Copies && trained) throw new InvalidOperationException($"weight '{Name}' comes to its device for each use and cannot be trained there");
        IsTrained = trained;
        Master.requires_grad_(trained);
    }

    /// <summary>Computes with <see cref="Master"/> in the given type from now on, as it is now.</summary>
    internal void Refresh(ScalarType computeType)
    {
        if (_quantized is { } quantized)
        {
            quantized.ComputeIn(computeType);
            return;
        }
        _copy?.Dispose();
        var keeps = Keeps(Master, computeType);
        _atUse = _home.Copies || (!keeps && _convertsAtUse) ? IsBuffer ? Master.dtype : computeType : null;
        _copy = keeps || _atUse is not null ? null : Cast(Master, computeType);
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
        _quantized?.Dispose();
        _quantized = null;
        _copy = _master = _substitute = null;
        _atUse = null;
    }

    // In the type of the file it travels to a device, where it becomes the other.
    private Tensor Brought(ScalarType type)
    {
        if (!_home.Copies) return Master.to(type);
        var there = Master.to(_home.Device, copy: true);
        if (there.dtype == type) return there;
        using (there) return there.to(type);
    }

    private bool Keeps(Tensor source, ScalarType computeType) => IsBuffer || source.dtype == computeType;

    private static Tensor Cast(Tensor source, ScalarType computeType)
    {
        using var _ = no_grad();
        return source.to(computeType).DetachFromDisposeScope();
    }

    private sealed class Copied(Weight weight) : IFrozenWeight
    {
        public Tensor Forward(Tensor input, Tensor? bias)
        {
            using var value = weight.Value;
            return nn.functional.linear(input, value, bias);
        }

        public Tensor Backward(Tensor gradient)
        {
            using var value = weight.Value;
            using var across = value.t();
            // g W as a linear layer whose weight is Wᵀ: matmul ends the process where shapes do not fit.
            return nn.functional.linear(gradient, across);
        }
    }
}
