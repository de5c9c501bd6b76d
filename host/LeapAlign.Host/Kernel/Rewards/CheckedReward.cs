using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Rewards;

/// <summary>A reward of the run as another one sees it: with the checks that its scores have wherever they are asked for.</summary>
/// <param name="reward">Scores pictures.</param>
internal class CheckedReward(RunReward reward) : IReward
{
    /// <inheritdoc/>
    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
    {
        using var lent = new LentPictures(images);
        var scores = PictureScoring.Checked(reward, new ScoredSamples(prompts) { Images = images }, lent);
        return lent.Judge() is { } changed ? throw new FaultException(changed) : scores;
    }
}

/// <summary>The same of a reward whose scores have gradients, which whoever asks can tell.</summary>
/// <param name="reward">Scores pictures.</param>
internal sealed class CheckedDifferentiableReward(RunReward reward) : CheckedReward(reward), IDifferentiableReward;
