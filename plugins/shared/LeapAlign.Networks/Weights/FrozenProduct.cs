using LeapAlign.Contracts.Algorithms;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Weights;

/// <summary>The weight of a linear layer that is made for each use: unpacked from fewer bits, or copied to the device.</summary>
internal interface IFrozenWeight
{
    /// <summary><c>x Wᵀ + b</c>, without graph.</summary>
    /// <param name="input">[..., in].</param>
    /// <param name="bias">[out]; null for none.</param>
    /// <returns>[..., out] in the scope of the caller.</returns>
    Tensor Forward(Tensor input, Tensor? bias);

    /// <summary>The gradient of the input: <c>g W</c>.</summary>
    /// <param name="gradient">[..., out].</param>
    /// <returns>[..., in] in the scope of the caller.</returns>
    Tensor Backward(Tensor gradient);
}

/// <summary>
/// The node of a product with a weight that is made for each use. The graph keeps nothing of the weight: the backward makes it again. Its arguments: the weight, the input, the bias or null, who runs the
/// backward or null.
/// </summary>
public sealed class FrozenProduct : autograd.SingleTensorFunction<FrozenProduct>
{
    private const string WeightKey = "weight";
    private const string CallsKey = "calls";

    /// <inheritdoc/>
    public override string Name => "FrozenProduct";

    /// <summary>The product of a layer.</summary>
    /// <param name="weight">Its weight.</param>
    /// <param name="input">[..., in].</param>
    /// <param name="bias">[out], which is not trained; null for none.</param>
    /// <returns>[..., out] in the scope of the caller.</returns>
    internal static Tensor Of(IFrozenWeight weight, Tensor input, Tensor? bias) =>
        is_grad_enabled() && input.requires_grad ? apply([weight, input, bias!, GraphCalls.Current!]) : weight.Forward(input, bias);

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        ArgumentNullException.ThrowIfNull(ctx);
        ArgumentNullException.ThrowIfNull(vars);
        ctx.save_data(WeightKey, vars[0]);
        ctx.save_data(CallsKey, vars[3]);
        return ((IFrozenWeight)vars[0]).Forward((Tensor)vars[1], (Tensor?)vars[2]);
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        ArgumentNullException.ThrowIfNull(ctx);
        SignalStack.Enter();
        var calls = (GraphCalls?)ctx.get_data(CallsKey);
        try
        {
            if (is_grad_enabled()) throw new NotSupportedException("a product with a frozen weight that is made for each use has no second derivative");
            var gradient = ((IFrozenWeight)ctx.get_data(WeightKey)).Backward(grad_output).DetachFromDisposeScope();
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
