using LeapAlign.Host.Kernel.Pictures;
using LeapAlign.Host.Kernel.Rewards;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Scored;

/// <summary>
/// Scores pictures as a run does (<see cref="PictureScoring"/>): one at a time, so that no score depends on what else is scored; those of a caption together where a reward compares them.
/// </summary>
/// <param name="rewards">The rewards.</param>
/// <param name="stages">Hear of them.</param>
/// <param name="device">Where tensors live.</param>
internal sealed class PictureScores(IReadOnlyList<RunReward> rewards, OpenStages stages, Device device)
{
    private readonly PictureScoring _alone = new([.. rewards.Where(static reward => !reward.Compares)], stages);
    private readonly PictureScoring _together = new([.. rewards.Where(static reward => reward.Compares)], stages);

    private bool Compares => rewards.Any(static reward => reward.Compares);

    /// <summary>Whether there is something to compare.</summary>
    /// <returns>LA3002 that names a reward of groups and a picture that has a caption for itself.</returns>
    public Result<Unit> Check(IReadOnlyList<ScoredPicture> pictures)
    {
        if (rewards.FirstOrDefault(static reward => reward.Compares) is not { } comparing) return Unit.Value;
        if (Groups(pictures).FirstOrDefault(static group => group.Count == 1) is not [var alone]) return Unit.Value;
        var picture = pictures[alone];
        return new Fault.Composition(
            FaultCodes.RequirementNotMet,
            $"the reward '{comparing.Name}' compares the pictures of a caption, but '{picture.Name}' is the only one of '{picture.Prompt.Text}'; name several, or other rewards by {ChosenRewards.Option}",
            comparing.Plan.Part.Place);
    }

    /// <summary>The scores of pictures, in their order.</summary>
    /// <param name="pictures">The pictures.</param>
    /// <param name="stop">Ends it between two pictures with an exception.</param>
    /// <exception cref="FaultException">A picture cannot be read, or a reward failed.</exception>
    public IReadOnlyList<ScoreRow> Of(IReadOnlyList<ScoredPicture> pictures, CancellationToken stop)
    {
        using var gradients = no_grad();
        var columns = rewards.ToDictionary(static reward => reward.Name, _ => new double[pictures.Count]);
        var sizes = new (int Width, int Height)[pictures.Count];
        for (var i = 0; i < pictures.Count; i++)
        {
            stop.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var image = Read(pictures[i]);
            sizes[i] = ((int)image.shape[2], (int)image.shape[1]);
            Keep(_alone, [i], image.unsqueeze(0));
        }
        foreach (var group in Compares ? Groups(pictures) : [])
        {
            stop.ThrowIfCancellationRequested();
            if (group.FirstOrDefault(other => sizes[other] != sizes[group[0]], -1) is var odd and >= 0) throw new FaultException(Unlike(group[0], odd));
            using var scope = NewDisposeScope();
            Keep(_together, group, stack(group.Select(i => Read(pictures[i]))));
        }
        return [.. pictures.Select((picture, i) => new ScoreRow(picture, sizes[i].Width, sizes[i].Height, [.. rewards.Select(reward => columns[reward.Name][i])]))];

        void Keep(PictureScoring scoring, IReadOnlyList<int> places, Tensor images)
        {
            // One prompt for all of a group, as in a run: by it they are known to belong together.
            foreach (var (name, scores) in scoring.All(images, [.. places.Select(_ => pictures[places[0]].Prompt)]))
            {
                var values = scores.to(ScalarType.Float64).cpu().data<double>().ToArray();
                for (var i = 0; i < places.Count; i++) columns[name][places[i]] = values[i];
            }
        }

        Fault Unlike(int first, int odd) => new Fault.Composition(
            FaultCodes.RequirementNotMet,
            $"the reward '{rewards.First(static reward => reward.Compares).Name}' compares pictures of one size, but of '{pictures[first].Prompt.Text}' '{pictures[first].Name}' has {sizes[first].Width} x {sizes[first].Height} and '{pictures[odd].Name}' {sizes[odd].Width} x {sizes[odd].Height} pixels");
    }

    private Tensor Read(ScoredPicture picture) => stages.Run("read pictures", () => PictureFile.Read(picture.Path, picture.Name).to(device));

    private static IEnumerable<IReadOnlyList<int>> Groups(IReadOnlyList<ScoredPicture> pictures) =>
        Enumerable.Range(0, pictures.Count).GroupBy(i => pictures[i].Prompt.Text, StringComparer.Ordinal).Select(static group => (IReadOnlyList<int>)[.. group]);
}
