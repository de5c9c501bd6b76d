using static TorchSharp.torch;

namespace LeapAlign.Contracts.Estimators;

/// <summary>
/// The baseline of each unit that makes the estimate of <see cref="HardUnits.Reinforce"/> vary least, <c>b = E[(h − σ)² L] / E[(h − σ)²]</c> (Bengio, Léonard and Courville 2013), as a ratio of running means. It is
/// what it was before the samples that it is used with.
/// </summary>
public sealed class UnitBaselines : IDisposable
{
    private readonly double _decay;

    /// <summary>Begins with baselines of 0.</summary>
    /// <param name="units">n.</param>
    /// <param name="decay">What is kept of the running means at each update, 0 ≤ decay &lt; 1.</param>
    /// <param name="device">Where they live.</param>
    public UnitBaselines(long units, double decay, Device? device = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(decay);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(decay, 1);
        _decay = decay;
        State = zeros(2, units, dtype: ScalarType.Float64, device: device ?? CPU).DetachFromDisposeScope();
    }

    /// <summary>The running means of (h − σ)² L and (h − σ)², [2, n], fp64: what a checkpoint keeps. A copy may be written into it.</summary>
    public Tensor State { get; }

    /// <summary>b, [n], of the type of what is asked for; 0 for a unit that never varied.</summary>
    /// <param name="type">The type.</param>
    public Tensor Values(ScalarType type)
    {
        using var _ = no_grad();
        return (State[0] / State[1].clamp_min(1e-300)).to(type);
    }

    /// <summary>Takes samples in, after their use.</summary>
    /// <param name="inputs">a, [B, n].</param>
    /// <param name="drawn">h, [B, n].</param>
    /// <param name="losses">L, [B].</param>
    public void Update(Tensor inputs, Tensor drawn, Tensor losses)
    {
        ArgumentNullException.ThrowIfNull(losses);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        State.mul_(_decay).add_(Moments(inputs, drawn, losses).mean([1]), alpha: 1 - _decay);
    }

    /// <summary>What the running means are means of: (h − σ)² L and (h − σ)², [2, B, n], fp64.</summary>
    /// <param name="inputs">a, [B, n].</param>
    /// <param name="drawn">h, [B, n].</param>
    /// <param name="losses">L, [B].</param>
    public static Tensor Moments(Tensor inputs, Tensor drawn, Tensor losses)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(drawn);
        ArgumentNullException.ThrowIfNull(losses);
        var squares = (drawn - inputs.sigmoid()).detach().to(ScalarType.Float64).square();
        return stack([squares * losses.detach().to(ScalarType.Float64).unsqueeze(1), squares]);
    }

    /// <inheritdoc/>
    public void Dispose() => State.Dispose();
}
