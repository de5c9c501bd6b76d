using LeapAlign.Contracts.Prompts;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Rewards;

/// <summary>Scores all pictures of a prompt together, by ranking them for instance. Training on it needs <c>grouped-prompts</c>.</summary>
public interface IGroupReward
{
    /// <summary>Scores a group; higher is better.</summary>
    /// <param name="images">[K, 3, H, W], fp32 in [0, 1].</param>
    /// <param name="prompt">The prompt of all of them.</param>
    /// <returns>[K], fp32, on the device of <paramref name="images"/>.</returns>
    Tensor Score(Tensor images, Prompt prompt);
}

/// <summary>
/// Prefers one of two pictures. A picture's score is its mean preference over the others of its group. Training on it needs <c>grouped-prompts</c>.
/// </summary>
public interface IPairwiseReward
{
    /// <summary>Compares pictures two by two.</summary>
    /// <param name="first">[P, 3, H, W], fp32 in [0, 1].</param>
    /// <param name="second">[P, 3, H, W], fp32 in [0, 1].</param>
    /// <param name="prompts">P prompts.</param>
    /// <returns>[P], fp32: how likely the first is better, in [0, 1].</returns>
    Tensor Prefer(Tensor first, Tensor second, IReadOnlyList<Prompt> prompts);
}
