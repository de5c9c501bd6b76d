using static TorchSharp.torch;

namespace LeapAlign.Pipelines;

/// <summary>The times that a transformer is given with a batch of latents.</summary>
public static class SampleTimes
{
    /// <summary>One time for each sample. A level that all samples share gives the same bits however it is written.</summary>
    /// <param name="sigmas">One noise level for all samples, or one for each of the B.</param>
    /// <param name="latents">[B, C, h, w].</param>
    /// <param name="time">The network's time of a level that was rounded to fp32 first, as the reference does.</param>
    /// <returns>[B], fp32, on the device of the latents.</returns>
    /// <exception cref="ArgumentException">There are neither one nor B levels.</exception>
    public static Tensor Of(IReadOnlyList<double> sigmas, Tensor latents, Func<float, float> time)
    {
        ArgumentNullException.ThrowIfNull(sigmas);
        ArgumentNullException.ThrowIfNull(latents);
        var samples = latents.shape[0];
        if (sigmas.Count != 1 && sigmas.Count != samples) throw new ArgumentException($"{sigmas.Count} noise levels for {samples} samples", nameof(sigmas));
        float[] times = [.. sigmas.Select(sigma => time((float)sigma))];
        return times.Length == 1
            ? full([samples], times[0], dtype: ScalarType.Float32, device: latents.device)
            : tensor(times, dtype: ScalarType.Float32, device: latents.device);
    }

    /// <summary>The gaps from one time to another, σ_from − σ_to.</summary>
    /// <param name="from">One noise level for all samples, or one for each of the B.</param>
    /// <param name="to">As <paramref name="from"/>.</param>
    /// <param name="latents">[B, C, h, w].</param>
    /// <returns>[B], fp32: differences are formed in double, so that those of near levels are exact.</returns>
    public static Tensor Gaps(IReadOnlyList<double> from, IReadOnlyList<double> to, Tensor latents)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(to);
        double At(IReadOnlyList<double> levels, int sample) => levels.Count == 1 ? levels[0] : levels[sample];
        return Of([.. Enumerable.Range(0, Math.Max(from.Count, to.Count)).Select(sample => At(from, sample) - At(to, sample))], latents, static gap => gap);
    }
}
