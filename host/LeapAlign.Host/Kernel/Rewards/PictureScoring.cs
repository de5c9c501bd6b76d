using LeapAlign.Contracts.Prompts;
using LeapAlign.Host.Kernel.Guards;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Telemetry;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Rewards;

/// <summary>Scores pictures, and the latents that they are decoded from, with one reward after another, each in a stage of its own, and judges what it returned.</summary>
/// <param name="rewards">The rewards.</param>
/// <param name="stages">Hear of them.</param>
internal sealed class PictureScoring(IReadOnlyList<RunReward> rewards, OpenStages stages)
{
    /// <summary>Every reward's scores of pictures alone.</summary>
    /// <param name="images">[B, 3, H, W] in [0, 1].</param>
    /// <param name="prompts">B prompts.</param>
    public IReadOnlyList<(string Name, Tensor Scores)> All(Tensor images, IReadOnlyList<Prompt> prompts) => All(new ScoredSamples(prompts) { Images = images });

    /// <summary>Every reward's scores.</summary>
    /// <param name="samples">Pictures and latents, as far as rewards score them.</param>
    public IReadOnlyList<(string Name, Tensor Scores)> All(ScoredSamples samples) => Each(samples, static (reward, scores) => (reward.Name, scores));

    /// <summary>What is taken of every reward's scores.</summary>
    /// <param name="samples">Pictures and latents, as far as rewards score them.</param>
    /// <param name="take">Takes scores, [B], with the gradient of their reward where it has one.</param>
    public IReadOnlyList<T> Each<T>(ScoredSamples samples, Func<RunReward, Tensor, T> take)
    {
        using var pictures = samples.Images is { } images ? new LentPictures(images) : null;
        using var latents = samples.Latents is { } clean ? new LentPictures(clean, "latents") : null;
        Fault? Changed() => pictures?.Judge() ?? latents?.Judge();
        List<T> taken = [];
        try
        {
            foreach (var reward in rewards)
            {
                var lent = (reward.Latent is null ? pictures : latents) ?? throw new InvalidOperationException($"there is nothing that the reward '{reward.Name}' could score");
                var scores = stages.Run(Stage.Score(reward.Plan), _ =>
                {
                    var given = Checked(reward, samples, lent);
                    // In the time of the last one, since whoever waits for the device waits here.
                    if (ReferenceEquals(reward, rewards[^1]) && Changed() is { } changed) throw new FaultException(changed);
                    return given;
                });
                taken.Add(take(reward, scores));
            }
        }
        catch (FaultException) when (Changed() is { } changed)
        {
            // What came after changed pictures may be wrong for that alone.
            throw new FaultException(changed);
        }
        return taken;
    }

    /// <summary>The scores of one reward, judged.</summary>
    /// <param name="reward">The reward.</param>
    /// <param name="samples">What it scores.</param>
    /// <param name="lent">Lends it that.</param>
    public static Tensor Checked(RunReward reward, ScoredSamples samples, LentPictures lent)
    {
        var prompts = samples.Prompts;
        var what = reward.Latent is null ? "pictures" : "latents";
        Tensor? scores;
        try
        {
            scores = reward.Score(samples, lent.Lend());
        }
        catch (Exception exception) when (exception is not FaultException && !(exception is OperationCanceledException && reward.Stop.IsCancellationRequested))
        {
            throw new FaultException(exception.ToFault((type, message) =>
                MemoryShortage.Of(exception, $"the reward '{reward.Name}'") ?? new Fault.Run(FaultCodes.StepThrew, $"reward '{reward.Name}' threw {type} while scoring: {message}")));
        }
        lent.Return(reward.Name);
        if (scores is null) throw new FaultException(new Fault.Run(FaultCodes.StepThrew, $"reward '{reward.Name}' returned null for {prompts.Count} {what}; expected their scores, [{prompts.Count}]"));
        if (scores.dim() == 1 && scores.shape[0] == prompts.Count) return InRange(reward, Real(reward, scores, lent.Device), prompts);
        throw new FaultException(new Fault.Run(
            FaultCodes.StepThrew, $"reward '{reward.Name}' returned scores of shape [{string.Join(", ", scores.shape)}] for {prompts.Count} {what}; expected [{prompts.Count}]"));
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
