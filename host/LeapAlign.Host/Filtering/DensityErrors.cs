using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Host.Filtering;

/// <summary>
/// How badly a flow predicts a sample, <c>mean_q mean_d (v(x_σq, σq) − (ε_q − x_0))²</c> with <c>x_σ = (1 − σ) x_0 + σ ε</c>: a bound on −log p up to a constant. The
/// draws (σ_q, ε_q) are the same for all samples: fresh ones would rank noise and not data.
/// </summary>
/// <param name="draws">Q.</param>
/// <param name="random">The key of noise.</param>
internal sealed class DensityErrors(int draws, RandomKey random)
{
    // Nothing is seen at the ends: without noise each sample is its own, with nothing but noise all are one.
    private const double Lowest = 0.1, Highest = 0.9;

    /// <summary>The noise levels, the middles of Q equal parts of 0.1 to 0.9.</summary>
    public IReadOnlyList<double> Sigmas { get; } = [.. Enumerable.Range(0, draws).Select(draw => Lowest + ((Highest - Lowest) * (draw + 0.5) / draws))];

    /// <summary>The error of a sample.</summary>
    /// <param name="velocity">Of B samples with one caption.</param>
    /// <param name="sample">x_0, [C, ...].</param>
    /// <param name="batch">The largest B.</param>
    public double Of(NetworkVelocity velocity, Tensor sample, int batch)
    {
        double sum = 0;
        foreach (var chunk in Enumerable.Range(0, draws).Chunk(batch))
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            double[] sigmas = [.. chunk.Select(draw => Sigmas[draw])];
            var noise = RandomKey.NormalOfEach(chunk.Select(draw => random.For("draw", draw)), sample.shape, sample.device);
            var level = tensor(sigmas, dtype: sample.dtype, device: sample.device).view([-1, .. Enumerable.Repeat(1L, (int)sample.dim())]);
            var predicted = velocity((sample * (1 - level)) + (noise * level), sigmas);
            sum += RectifiedFlow.Mean((predicted - (noise - sample)).to(ScalarType.Float64).square()).sum().item<double>();
        }
        return sum / draws;
    }
}
