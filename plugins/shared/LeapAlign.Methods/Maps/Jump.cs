using static TorchSharp.torch;

namespace LeapAlign.Methods.Maps;

/// <summary>The mean velocity of jumps, of a trained policy or of another.</summary>
/// <param name="latents">States where the jumps begin, [B, ...].</param>
/// <param name="times">One pair of noise levels for all samples, or one for each of the B.</param>
/// <returns>u, the shape of the latents.</returns>
public delegate Tensor JumpVelocity(Tensor latents, IReadOnlyList<(double From, double To)> times);

/// <summary>Jumps of a flow map: <c>X_{s→t}(x) = x + (t − s) u(x, s, t)</c> (arXiv 2505.18825).</summary>
public static class Jump
{
    /// <summary>X.</summary>
    /// <param name="latents">x, [B, ...].</param>
    /// <param name="velocity">u, the shape of x.</param>
    /// <param name="times">One (s, t) for all samples, or B.</param>
    public static Tensor Of(Tensor latents, Tensor velocity, IReadOnlyList<(double From, double To)> times)
    {
        ArgumentNullException.ThrowIfNull(latents);
        return latents + (Each(latents, times, static time => time.To - time.From) * velocity);
    }

    /// <summary>A number of each jump, in the type of the latents, that is multiplied with them.</summary>
    /// <param name="latents">[B, ...].</param>
    /// <param name="times">One for all samples, or B.</param>
    /// <param name="number">The number.</param>
    /// <returns>[B, 1, ...] or [1, 1, ...].</returns>
    public static Tensor Each<T>(Tensor latents, IReadOnlyList<T> times, Func<T, double> number)
    {
        ArgumentNullException.ThrowIfNull(latents);
        ArgumentNullException.ThrowIfNull(times);
        return tensor([.. times.Select(number)], dtype: ScalarType.Float64).to(latents.dtype).to(latents.device).reshape([times.Count, .. Enumerable.Repeat(1L, (int)latents.dim() - 1)]);
    }

    /// <summary>The diagonal, where a jump has no length and its mean velocity is the velocity.</summary>
    public static (double From, double To)[] Still(IEnumerable<double> sigmas) => [.. sigmas.Select(static sigma => (sigma, sigma))];
}
