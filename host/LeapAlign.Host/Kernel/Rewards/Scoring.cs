using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Guards;
using LeapAlign.Host.Kernel.Stages;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Rewards;

/// <summary>Scores latents with the trained rewards. They are decoded where one of these scores pictures, and only then.</summary>
/// <param name="model">Decodes, and encodes captions for rewards of latents.</param>
/// <param name="size">The size of the pictures.</param>
/// <param name="rewards">All rewards of the run.</param>
/// <param name="stages">Where its stages lie.</param>
/// <param name="balancesGradients">Whether trained rewards have shares of one gradient (<see cref="GradientShares"/>).</param>
internal sealed class Scoring(IModel model, ImageSize size, IReadOnlyList<RunReward> rewards, OpenStages stages, bool balancesGradients = false)
{
    private readonly RunReward[] _rewards = [.. rewards.Where(static reward => reward.Role == RewardRole.Train)];
    private readonly PictureScoring _trained = new([.. rewards.Where(static reward => reward.Role == RewardRole.Train)], stages);

    private bool Decodes => _rewards.Any(static reward => reward.Latent is null);

    private bool HasLatent => _rewards.Any(static reward => reward.Latent is not null);

    /// <summary>What <c>batch.Score</c> gives an algorithm: the trained rewards of latents.</summary>
    /// <param name="latents">[B, C, h, w], or several whole batches one after another.</param>
    /// <param name="prompts">The B prompts of the batch.</param>
    /// <param name="observe">Takes each reward's scores by name, without gradient.</param>
    /// <param name="watch">Takes what came out of each stage.</param>
    /// <param name="weigh">Weighs normalised scores in the place of plugins.json; null where nobody does.</param>
    public Scores Score(Tensor latents, IReadOnlyList<Prompt> prompts, Action<string, Tensor> observe, FiniteWatch watch, Func<string, Tensor, RewardColumn>? weigh = null)
    {
        var repeated = Repeated(prompts, latents);
        Tensor Decoded(Tensor samples)
        {
            var images = stages.Run("decode", () => model.Decode(samples));
            watch.Take("picture", [], prompts, images);
            return images;
        }
        IReadOnlyList<RewardColumn> Columns(Tensor? samples, Tensor? pictures) =>
            _trained.Each(new ScoredSamples(repeated) { Images = pictures, Latents = samples, Encode = () => ScoredSamples.Encoded(model, size, stages, repeated) }, (reward, scores) =>
            {
                watch.Take($"reward '{reward.Name}'", [], prompts, reward.MayMiss ? scores.detach().nan_to_num(0) : scores.detach());
                observe(reward.Name, reward.Known(scores.detach()));
                var values = reward.Normalized(scores);
                return weigh is null ? new RewardColumn(reward.Name, reward.Weight, values) : weigh(reward.Name, values);
            });
        if (!balancesGradients || _rewards.Length < 2) return new Scores(Columns(latents, Decodes ? Decoded(latents) : null));
        return new Scores(HasLatent ? GradientShares.Balanced(latents, Decodes ? Decoded : null, Columns) : GradientShares.Balanced(Decoded(latents), pictures => Columns(null, pictures)));
    }

    private static IReadOnlyList<Prompt> Repeated(IReadOnlyList<Prompt> prompts, Tensor samples)
    {
        var (copies, rest) = Math.DivRem((int)samples.shape[0], prompts.Count);
        if (rest != 0 || copies == 0) throw new ArgumentException($"{samples.shape[0]} samples were given to be scored for {prompts.Count} prompts; they have to be whole batches", nameof(samples));
        return copies == 1 ? prompts : [.. Enumerable.Repeat(prompts, copies).SelectMany(static batch => batch)];
    }
}
