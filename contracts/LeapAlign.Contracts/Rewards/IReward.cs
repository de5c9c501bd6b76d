using LeapAlign.Contracts.Prompts;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Rewards;

/// <summary>Scores pictures. A reward that holds resources also implements <see cref="IDisposable"/>.</summary>
public interface IReward
{
    /// <summary>Scores each picture for its prompt; higher is better.</summary>
    /// <param name="images">
    /// [B, 3, H, W], fp32 in [0, 1], on the device of the run. All rewards have the same pictures: one that writes into them ends the run; work on a clone.
    /// </param>
    /// <param name="prompts">B prompts.</param>
    /// <returns>
    /// [B], fp32, on the device of <paramref name="images"/>. A score that is not finite is judged by the run's guard in training (<c>guard.notFinite</c>), and a
    /// warning in an evaluation.
    /// </returns>
    Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts);
}

/// <summary>A reward whose score is a differentiable function of the pictures: it uses tensor operations alone, without rounding to 8 bits.</summary>
public interface IDifferentiableReward : IReward;
