using static TorchSharp.torch;

namespace LeapAlign.Networks.Mmdit;

/// <summary>
/// The encoding of a time (or a guidance scale) as <c>[cos(tω₀..), sin(tω₀..)]</c> with <c>ωᵢ = exp(−ln(10000)·i/half)</c>.
/// </summary>
public static class Sinusoid
{
    /// <summary>The width that SD3 and FLUX use.</summary>
    public const int Width = 256;

    // Every step is rounded to fp32, the exponent before its exp included: the models were trained with these values, and exact ones differ by up to
    // 1e-4 at times near 1000.
    private static readonly TorchSharp.Scalar Decay = (float)-Math.Log(10000);
    private static readonly TorchSharp.Scalar Half = (float)(Width / 2);

    /// <summary>Encodes.</summary>
    /// <param name="time">[B], any floating-point type.</param>
    /// <returns>[B, 256] fp32, differentiable with respect to the time.</returns>
    public static Tensor Encode(Tensor time)
    {
        using var scope = NewDisposeScope();
        var frequencies = arange(Width / 2, dtype: ScalarType.Float32, device: time.device).mul(Decay).div(Half).exp();
        var angles = time.to(ScalarType.Float32).unsqueeze(1) * frequencies;
        return cat([angles.cos(), angles.sin()], 1).MoveToOuterDisposeScope();
    }
}
