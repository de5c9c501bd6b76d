using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Rewards;

/// <summary>
/// Scores latents instead of pictures: nothing is decoded for it, and no gradient goes through a decoder. It has to be one function from the beginning of a run to its end. A reward that holds resources
/// also implements <see cref="IDisposable"/>.
/// </summary>
public interface ILatentReward
{
    /// <summary>
    /// Takes from the model of the run what the scores are computed with, its features for instance (<see cref="IFeatureModel"/>). Called once, before the first score, the first update and the restoring of a
    /// checkpoint; the model lives longer than the reward.
    /// </summary>
    /// <param name="model">The model whose latents will be scored.</param>
    /// <returns>A fault when the reward is not for this model.</returns>
    Result<Unit> Attach(IModel model) => Unit.Value;

    /// <summary>Scores each sample for its prompt; higher is better.</summary>
    /// <param name="samples">The latents. All rewards have the same: one that writes into them ends the run; work on a clone.</param>
    /// <returns>[B], fp32, on the device of the latents. What is not finite is treated as that of <see cref="IReward"/>.</returns>
    Tensor Score(LatentSamples samples);
}

/// <summary>A reward whose score is a differentiable function of the latents.</summary>
public interface IDifferentiableLatentReward : ILatentReward;

/// <summary>Latents to score. They belong to the caller.</summary>
/// <param name="latents">[B, C, ...], fp32.</param>
/// <param name="sigmas">One noise level in [0, 1] for all, or one for each of the B; 0 is clean.</param>
/// <param name="prompts">B prompts.</param>
/// <param name="encode">Makes the conditioning, when somebody asks for it.</param>
public sealed class LatentSamples(Tensor latents, IReadOnlyList<double> sigmas, IReadOnlyList<Prompt> prompts, Func<Conditioning> encode) : IDisposable
{
    private Conditioning? _conditioning;

    /// <summary>[B, C, ...], fp32, on the device of the run.</summary>
    public Tensor Latents => latents;

    /// <summary>One noise level for all samples, or one for each; the latents are <c>(1 − σ) x₀ + σ ε</c>. Runs score at 0.</summary>
    public IReadOnlyList<double> Sigmas => sigmas;

    /// <summary>B prompts.</summary>
    public IReadOnlyList<Prompt> Prompts => prompts;

    /// <summary>What the model made of the captions, without guidance, whatever the run's is: encoded on the first call.</summary>
    public Conditioning Conditioning => _conditioning ??= encode();

    /// <summary>Disposes the conditioning, where somebody asked for it; graphs keep what they need.</summary>
    public void Dispose() => _conditioning?.Dispose();
}
