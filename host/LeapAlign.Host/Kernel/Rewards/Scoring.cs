using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Guards;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Telemetry;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Rewards;

/// <summary>Decodes latents and scores the pictures.</summary>
/// <param name="model">Decodes.</param>
/// <param name="rewards">All rewards of the run.</param>
/// <param name="stages">Where its stages lie.</param>
/// <param name="balancesGradients">Whether trained rewards have shares of one gradient (<see cref="GradientShares"/>).</param>
internal sealed class Scoring(IModel model, IReadOnlyList<RunReward> rewards, OpenStages stages, bool balancesGradients = false)
{
    private readonly IReadOnlyList<RunReward> _trained = [.. rewards.Where(static reward => reward.Role == RewardRole.Train)];

    /// <summary>What <c>batch.Score</c> gives an algorithm: the trained rewards of decoded latents.</summary>
    /// <param name="latents">[B, C, h, w], or several whole batches one after another.</param>
    /// <param name="prompts">The B prompts of the batch.</param>
    /// <param name="observe">Takes each reward's scores by name, without gradient.</param>
    /// <param name="watch">Takes what came out of each stage.</param>
    public Scores Score(Tensor latents, IReadOnlyList<Prompt> prompts, Action<string, Tensor> observe, FiniteWatch watch)
    {
        var images = stages.Run("decode", () => model.Decode(latents));
        watch.Take("picture", [], prompts, images);
        List<RewardColumn> Columns(Tensor pictures) => Each(_trained, pictures, Repeated(prompts, pictures), (reward, scores) =>
        {
            watch.Take($"reward '{reward.Name}'", [], prompts, scores.detach());
            observe(reward.Name, scores.detach());
            return new RewardColumn(reward.Name, reward.Weight, reward.Normalized(scores));
        });
        return new Scores(balancesGradients && _trained.Count > 1 ? GradientShares.Balanced(images, Columns) : Columns(images));
    }

    /// <summary>Every reward's scores of decoded pictures, held-out ones included.</summary>
    /// <param name="images">[B, 3, H, W] in [0, 1].</param>
    /// <param name="prompts">B prompts.</param>
    public IReadOnlyList<(string Name, Tensor Scores)> All(Tensor images, IReadOnlyList<Prompt> prompts) =>
        Each(rewards, images, prompts, static (reward, scores) => (reward.Name, scores));

    private List<T> Each<T>(IReadOnlyList<RunReward> all, Tensor images, IReadOnlyList<Prompt> prompts, Func<RunReward, Tensor, T> take)
    {
        using var pictures = new LentPictures(images);
        List<T> taken = [];
        try
        {
            foreach (var reward in all)
            {
                var scores = stages.Run(Stage.Score(reward.Plan), _ =>
                {
                    var given = Checked(reward, pictures, prompts);
                    // In the time of the last one, since whoever waits for the device waits here.
                    if (ReferenceEquals(reward, all[^1]) && pictures.Judge() is { } changed) throw new FaultException(changed);
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

    private static IReadOnlyList<Prompt> Repeated(IReadOnlyList<Prompt> prompts, Tensor images)
    {
        var (copies, rest) = Math.DivRem((int)images.shape[0], prompts.Count);
        if (rest != 0 || copies == 0) throw new ArgumentException($"{images.shape[0]} samples were given to be scored for {prompts.Count} prompts; they have to be whole batches", nameof(images));
        return copies == 1 ? prompts : [.. Enumerable.Repeat(prompts, copies).SelectMany(static batch => batch)];
    }
}
