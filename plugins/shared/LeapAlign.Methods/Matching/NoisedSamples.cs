using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Methods.Matching;

/// <summary>Samples on the forward process: <c>x_σ = (1−σ) x_0 + σ ε</c>, in the type of x_0.</summary>
public sealed class NoisedSamples
{
    private static readonly Scalar s_one = 1;
    private readonly Tensor _level;

    /// <summary>Noises samples.</summary>
    /// <param name="clean">x_0, [B, ...].</param>
    /// <param name="noise">ε, the shape of x_0.</param>
    /// <param name="sigmas">One σ for all samples, or B.</param>
    public NoisedSamples(Tensor clean, Tensor noise, IReadOnlyList<double> sigmas)
    {
        ArgumentNullException.ThrowIfNull(clean);
        ArgumentNullException.ThrowIfNull(sigmas);
        (Clean, Sigmas) = (clean, sigmas);
        _level = tensor([.. sigmas], dtype: ScalarType.Float64).to(clean.dtype).to(clean.device).reshape([sigmas.Count, .. Enumerable.Repeat(1L, (int)clean.dim() - 1)]);
        Latents = (_level.neg().add(s_one) * clean) + (_level * noise);
        Target = noise - clean;
    }

    /// <summary>x_0.</summary>
    public Tensor Clean { get; }

    /// <summary>σ, one or B.</summary>
    public IReadOnlyList<double> Sigmas { get; }

    /// <summary>x_σ.</summary>
    public Tensor Latents { get; }

    /// <summary>v* = ε − x_0, the velocity of the path from x_0 to ε.</summary>
    public Tensor Target { get; }

    /// <summary>A function of σ for each sample, or one for all: [B] or [1], fp64.</summary>
    public Tensor Levels(Func<double, double> function) => tensor([.. Sigmas.Select(function)], dtype: ScalarType.Float64).to(Clean.device);

    /// <summary>x̂_0 = x_σ − σ v.</summary>
    public Tensor Data(Tensor velocity) => Latents - (_level * velocity);
}
