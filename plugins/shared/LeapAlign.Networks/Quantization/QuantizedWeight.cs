using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Quantization;

/// <summary>The weight of a linear layer in fewer bits, and products with it.</summary>
internal sealed class QuantizedWeight : IFrozenWeight, IDisposable
{
    private readonly Tensor[] _parts;
    private readonly UnpackBuffers _buffers;
    private readonly WeightHome _home;
    private readonly long _outputs;
    private readonly long _inputs;
    private Tensor? _scale;

    /// <summary>Takes what a weight is stored as.</summary>
    /// <param name="form">How.</param>
    /// <param name="shape">[out, in].</param>
    /// <param name="parts">As of <see cref="Quantization.Parts"/>; they are this object's from now on.</param>
    /// <param name="buffers">Those of the network.</param>
    /// <param name="home">Where the parts lie, and where products are computed.</param>
    public QuantizedWeight(Quantization form, IReadOnlyList<long> shape, IReadOnlyList<Tensor> parts, UnpackBuffers buffers, WeightHome home)
    {
        (Form, _outputs, _inputs, _buffers, _home) = (form, shape[0], shape[1], buffers, home);
        _parts = [.. parts.Select(static part => part.DetachFromDisposeScope())];
    }

    /// <summary>How it is stored.</summary>
    public Quantization Form { get; }

    /// <summary>The precision of the arithmetic.</summary>
    public ScalarType Type { get; private set; } = ScalarType.Float32;

    /// <summary>The bytes that it takes where it lies.</summary>
    public long Bytes => _parts.Sum(static part => part.numel() * part.element_size());

    /// <summary>Computes in this precision from now on.</summary>
    public void ComputeIn(ScalarType type)
    {
        _scale?.Dispose();
        Type = type;
        using var _ = no_grad();
        _scale = Form.OutputScale(_parts)?.to(type, _home.Device, copy: true).DetachFromDisposeScope();
    }

    /// <summary>The weight as products use it: [out, in] in <see cref="Type"/>, scaled.</summary>
    /// <returns>A tensor in the scope of the caller.</returns>
    public Tensor Dequantised()
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        using var buffer = Unpacked();
        // A copy: the buffer is the next one's that unpacks a weight.
        var values = buffer.Weight.to(ScalarType.Float32, copy: true);
        return (Form.OutputScale(_parts) is { } scale ? values.mul(scale.to(_home.Device).unsqueeze(1)) : values).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _scale?.Dispose();
        foreach (var part in _parts) part.Dispose();
    }

    /// <inheritdoc/>
    public Tensor Forward(Tensor input, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        using var buffer = Unpacked();
        // The scale goes onto the output, which is smaller than the weight.
        var output = nn.functional.linear(input, buffer.Weight, _scale is null ? bias : null);
        if (_scale is null) return output.MoveToOuterDisposeScope();
        return (bias is null ? output.mul_(_scale) : addcmul(bias, output, _scale, 1)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor Backward(Tensor gradient)
    {
        using var scope = NewDisposeScope();
        using var buffer = Unpacked();
        var scaled = _scale is null ? gradient : gradient.mul(_scale);
        // (g s) W: a linear layer whose weight is Wᵀ, since matmul ends the process where shapes do not fit.
        return nn.functional.linear(scaled, buffer.Weight.t()).MoveToOuterDisposeScope();
    }

    private UnpackBuffers.Lease Unpacked()
    {
        var lease = _buffers.Rent((_outputs, Form.BufferColumns(_inputs)), _inputs, Type, _home.Device);
        if (!_home.Copies)
        {
            Form.Unpack(_parts, lease.Whole);
            return lease;
        }
        using var scope = NewDisposeScope();
        Form.Unpack([.. _parts.Select(part => part.to(_home.Device))], lease.Whole);
        return lease;
    }
}
