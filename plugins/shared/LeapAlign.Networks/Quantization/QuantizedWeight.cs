using LeapAlign.Contracts.Algorithms;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Quantization;

/// <summary>The weight of a linear layer in fewer bits, and products with it.</summary>
internal sealed class QuantizedWeight : IDisposable
{
    private readonly Tensor[] _parts;
    private readonly UnpackBuffers _buffers;
    private readonly long _outputs;
    private readonly long _inputs;
    private Tensor? _scale;

    /// <summary>Takes what a weight is stored as.</summary>
    /// <param name="form">How.</param>
    /// <param name="shape">[out, in].</param>
    /// <param name="parts">As of <see cref="Quantization.Parts"/>; they are this object's from now on.</param>
    /// <param name="buffers">Those of the network.</param>
    public QuantizedWeight(Quantization form, IReadOnlyList<long> shape, IReadOnlyList<Tensor> parts, UnpackBuffers buffers)
    {
        (Form, _outputs, _inputs, _buffers) = (form, shape[0], shape[1], buffers);
        _parts = [.. parts.Select(static part => part.DetachFromDisposeScope())];
    }

    /// <summary>How it is stored.</summary>
    public Quantization Form { get; }

    /// <summary>The precision of the arithmetic.</summary>
    public ScalarType Type { get; private set; } = ScalarType.Float32;

    /// <summary>Computes in this precision from now on.</summary>
    public void ComputeIn(ScalarType type)
    {
        _scale?.Dispose();
        Type = type;
        using var _ = no_grad();
        _scale = Form.OutputScale(_parts)?.to(type, copy: true).DetachFromDisposeScope();
    }

    /// <summary>The product of the layer. The graph keeps nothing of the weight: the backward unpacks it again.</summary>
    /// <param name="input">[..., in].</param>
    /// <param name="bias">[out], which is not trained; null for none.</param>
    /// <returns>[..., out] in the scope of the caller.</returns>
    public Tensor Product(Tensor input, Tensor? bias) =>
        is_grad_enabled() && input.requires_grad ? FrozenProduct.apply([this, input, bias!, GraphCalls.Current!]) : Forward(input, bias);

    /// <summary>The weight as products use it: [out, in] in <see cref="Type"/>, scaled.</summary>
    /// <returns>A tensor in the scope of the caller.</returns>
    public Tensor Dequantised()
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        using var buffer = Unpacked();
        var values = buffer.Weight.to(ScalarType.Float32);
        return (Form.OutputScale(_parts) is { } scale ? values.mul(scale.unsqueeze(1)) : values).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _scale?.Dispose();
        foreach (var part in _parts) part.Dispose();
    }

    internal Tensor Forward(Tensor input, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        using var buffer = Unpacked();
        // The scale goes onto the output, which is smaller than the weight.
        var output = nn.functional.linear(input, buffer.Weight, _scale is null ? bias : null);
        if (_scale is null) return output.MoveToOuterDisposeScope();
        return (bias is null ? output.mul_(_scale) : addcmul(bias, output, _scale, 1)).MoveToOuterDisposeScope();
    }

    internal Tensor Backward(Tensor gradient)
    {
        using var scope = NewDisposeScope();
        using var buffer = Unpacked();
        var scaled = _scale is null ? gradient : gradient.mul(_scale);
        // (g s) W: a linear layer whose weight is Wᵀ, since matmul ends the process where shapes do not fit.
        return nn.functional.linear(scaled, buffer.Weight.t()).MoveToOuterDisposeScope();
    }

    private UnpackBuffers.Lease Unpacked()
    {
        var lease = _buffers.Rent((_outputs, Form.BufferColumns(_inputs)), _inputs, Type, _parts[0].device);
        Form.Unpack(_parts, lease.Whole);
        return lease;
    }
}

/// <summary>The node of a product with a quantised weight. Its arguments: the weight, the input, the bias or null, who runs the backward or null.</summary>
public sealed class FrozenProduct : autograd.SingleTensorFunction<FrozenProduct>
{
    private const string WeightKey = "weight";
    private const string CallsKey = "calls";

    /// <inheritdoc/>
    public override string Name => "FrozenProduct";

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        ArgumentNullException.ThrowIfNull(ctx);
        ArgumentNullException.ThrowIfNull(vars);
        ctx.save_data(WeightKey, vars[0]);
        ctx.save_data(CallsKey, vars[3]);
        return ((QuantizedWeight)vars[0]).Forward((Tensor)vars[1], (Tensor?)vars[2]);
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        ArgumentNullException.ThrowIfNull(ctx);
        SignalStack.Enter();
        var calls = (GraphCalls?)ctx.get_data(CallsKey);
        try
        {
            if (is_grad_enabled()) throw new NotSupportedException("a product with a quantised weight has no second derivative");
            var gradient = ((QuantizedWeight)ctx.get_data(WeightKey)).Backward(grad_output).DetachFromDisposeScope();
            calls?.Return([gradient]);
            return [null!, gradient, null!, null!];
        }
        catch (Exception exception) when (calls is not null)
        {
            calls.Fail(exception);
            return [null!, null!, null!, null!];
        }
    }
}
