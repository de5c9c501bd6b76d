using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Guards;
using LeapAlign.Host.Kernel.Stages;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Rewards;

/// <summary>Decodes latents and scores the pictures with the trained rewards.</summary>
/// <param name="model">Decodes.</param>
/// <param name="rewards">All rewards of the run.</param>
/// <param name="stages">Where its stages lie.</param>
/// <param name="balancesGradients">Whether trained rewards have shares of one gradient (<see cref="GradientShares"/>).</param>
internal sealed class Scoring(IModel model, IReadOnlyList<RunReward> rewards, OpenStages stages, bool balancesGradients = false)
{
    private readonly PictureScoring _trained = new([.. rewards.Where(static reward => reward.Role == RewardRole.Train)], stages);
    private readonly bool _shares = balancesGradients && rewards.Count(static reward => reward.Role == RewardRole.Train) > 1;

    /// <summary>What <c>batch.Score</c> gives an algorithm: the trained rewards of decoded latents.</summary>
    /// <param name="latents">[B, C, h, w], or several whole batches one after another.</param>
    /// <param name="prompts">The B prompts of the batch.</param>
    /// <param name="observe">Takes each reward's scores by name, without gradient.</param>
    /// <param name="watch">Takes what came out of each stage.</param>
    public Scores Score(Tensor latents, IReadOnlyList<Prompt> prompts, Action<string, Tensor> observe, FiniteWatch watch)
    {
        var images = stages.Run("decode", () => model.Decode(latents));
        watch.Take("picture", [], prompts, images);
        IReadOnlyList<RewardColumn> Columns(Tensor pictures) => _trained.Each(pictures, Repeated(prompts, pictures), (reward, scores) =>
        {
            watch.Take($"reward '{reward.Name}'", [], prompts, scores.detach());
            observe(reward.Name, scores.detach());
            return new RewardColumn(reward.Name, reward.Weight, reward.Normalized(scores));
        });
        return new Scores(_shares ? GradientShares.Balanced(images, Columns) : Columns(images));
    }

    private static IReadOnlyList<Prompt> Repeated(IReadOnlyList<Prompt> prompts, Tensor images)
    {
        var (copies, rest) = Math.DivRem((int)images.shape[0], prompts.Count);
        if (rest != 0 || copies == 0) throw new ArgumentException($"{images.shape[0]} samples were given to be scored for {prompts.Count} prompts; they have to be whole batches", nameof(images));
        return copies == 1 ? prompts : [.. Enumerable.Repeat(prompts, copies).SelectMany(static batch => batch)];
    }
}
