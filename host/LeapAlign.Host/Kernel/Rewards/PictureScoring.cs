using LeapAlign.Contracts.Prompts;
using LeapAlign.Host.Kernel.Guards;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Telemetry;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Rewards;

/// <summary>Scores pictures with one reward after another, each in a stage of its own, and judges what it returned.</summary>
/// <param name="rewards">The rewards.</param>
/// <param name="stages">Hear of them.</param>
internal sealed class PictureScoring(IReadOnlyList<RunReward> rewards, OpenStages stages)
{
    /// <summary>Every reward's scores.</summary>
    /// <param name="images">[B, 3, H, W] in [0, 1].</param>
    /// <param name="prompts">B prompts.</param>
    public IReadOnlyList<(string Name, Tensor Scores)> All(Tensor images, IReadOnlyList<Prompt> prompts) => Each(images, prompts, static (reward, scores) => (reward.Name, scores));

    /// <summary>What is taken of every reward's scores.</summary>
    /// <param name="images">[B, 3, H, W] in [0, 1].</param>
    /// <param name="prompts">B prompts.</param>
    /// <param name="take">Takes scores, [B], with the gradient of their reward where it has one.</param>
    public IReadOnlyList<T> Each<T>(Tensor images, IReadOnlyList<Prompt> prompts, Func<RunReward, Tensor, T> take)
    {
        using var pictures = new LentPictures(images);
        List<T> taken = [];
        try
        {
            foreach (var reward in rewards)
            {
                var scores = stages.Run(Stage.Score(reward.Plan), _ =>
                {
                    var given = Checked(reward, pictures, prompts);
                    // In the time of the last one, since whoever waits for the device waits here.
                    if (ReferenceEquals(reward, rewards[^1]) && pictures.Judge() is { } changed) throw new FaultException(changed);
                    return given;
                });
                taken.Add(take(reward, scores));
            }
        }
        catch (FaultException) when (pictures.Judge() is { } changed)
        {
            // What came after changed pictures may be wrong for that alone.
            throw new FaultException(changed);
        }
        return taken;
    }

    private static Tensor Checked(RunReward reward, LentPictures pictures, IReadOnlyList<Prompt> prompts)
    {
        Tensor? scores;
        try
        {
            scores = reward.Reward.Score(pictures.Lend(), prompts);
        }
        catch (Exception exception) when (exception is not FaultException && !(exception is OperationCanceledException && reward.Stop.IsCancellationRequested))
        {
            throw new FaultException(exception.ToFault((type, message) =>
                MemoryShortage.Of(exception, $"the reward '{reward.Name}'") ?? new Fault.Run(FaultCodes.StepThrew, $"reward '{reward.Name}' threw {type} while scoring: {message}")));
        }
        pictures.Return(reward.Name);
        if (scores is null) throw new FaultException(new Fault.Run(FaultCodes.StepThrew, $"reward '{reward.Name}' returned null for {prompts.Count} pictures; expected their scores, [{prompts.Count}]"));
        if (scores.dim() == 1 && scores.shape[0] == prompts.Count) return InRange(reward, Real(reward, scores, pictures.Device), prompts);
        throw new FaultException(new Fault.Run(
            FaultCodes.StepThrew, $"reward '{reward.Name}' returned scores of shape [{string.Join(", ", scores.shape)}] for {prompts.Count} pictures; expected [{prompts.Count}]"));
    }

    // On the device of the pictures, where weights and other rewards come to them.
    private static Tensor Real(RunReward reward, Tensor scores, Device device)
    {
        if (!scores.is_complex() && (scores.device_type != TorchSharp.DeviceType.META || device.type == TorchSharp.DeviceType.META)) return scores.to(device);
        throw new FaultException(new Fault.Run(
            FaultCodes.StepThrew, $"reward '{reward.Name}' returned scores of type {scores.dtype} on the device '{scores.device}'; expected real numbers on '{device}'"));
    }

    // Tolerates rounding just outside the range.
    private static Tensor InRange(RunReward reward, Tensor scores, IReadOnlyList<Prompt> prompts)
    {
        if (reward.Range is not { } range) return scores;
        using var scope = NewDisposeScope();
        var values = scores.detach().to(ScalarType.Float64).cpu().data<double>().ToArray();
        var slack = 1e-5 * Math.Max(1, Math.Max(Finite(range.Lowest), Finite(range.Highest)));
        var bad = Array.FindIndex(values, value => value < range.Lowest - slack || value > range.Highest + slack);
        if (bad < 0) return scores;
        throw new FaultException(new Fault.Run(
            FaultCodes.ScoreOutOfRange, FormattableString.Invariant($"reward '{reward.Name}' gave {values[bad]:G6} to '{prompts[bad].Text}'; its scores are declared to lie in {range}")));
    }

    private static double Finite(double bound) => double.IsFinite(bound) ? Math.Abs(bound) : 0;
}
