using static TorchSharp.torch;

namespace LeapAlign.Optimization;

/// <summary>A parameter and the moments of its gradient.</summary>
/// <param name="name">The name of the parameter.</param>
/// <param name="parameter">The parameter.</param>
/// <param name="decay">Its weight decay; 0 for none.</param>
internal sealed class AdamWSlot(string name, Tensor parameter, double decay) : IDisposable
{
    /// <summary>The name of the parameter.</summary>
    public string Name { get; } = name;

    public Tensor Parameter { get; } = parameter;

    /// <summary>Its weight decay; 0 for none.</summary>
    public double Decay => decay;

    /// <summary>Moving average of the gradient.</summary>
    public Tensor First { get; } = zeros_like(parameter).detach().DetachFromDisposeScope();

    /// <summary>Moving average of the squared gradient.</summary>
    public Tensor Second { get; } = zeros_like(parameter).detach().DetachFromDisposeScope();

    /// <summary>Updates so far, as the fused kernel wants it: an fp32 scalar on the device.</summary>
    public Tensor Count { get; } = zeros([], dtype: ScalarType.Float32, device: parameter.device).DetachFromDisposeScope();

    public int Updates { get; private set; }

    public void Advance()
    {
        Updates++;
        Count.add_(1);
    }

    /// <summary>Takes over how many updates were made.</summary>
    public void Resume(int updates)
    {
        using var _ = no_grad();
        using TorchSharp.Scalar value = updates;
        Updates = updates;
        Count.fill_(value);
    }

    public void Dispose()
    {
        First.Dispose();
        Second.Dispose();
        Count.Dispose();
    }
}
