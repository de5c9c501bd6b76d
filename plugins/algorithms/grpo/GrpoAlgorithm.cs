using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Methods.Groups;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Grpo;

/// <summary>
/// Group-relative policy gradient on a stochastic sampler (Flow-GRPO, arXiv 2505.05470, and its relatives): all micro-batches are sampled without gradient and
/// scored, advantages are taken over the whole step, then each trained step of each micro-batch descends
/// <c>mean_B max(−A ρ, −A clip(ρ)) + β KL</c>, an evaluation and a backward of its own. An update's gradient is the mean over its micro-batches and their
/// trained steps. The samples need no gradient of decoder or reward.
/// </summary>
/// <param name="method">Which member of the family.</param>
public sealed class GrpoAlgorithm(GrpoMethod method) : IAlgorithm
{
    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        var experience = Collect(step);
        var updates = Updates(step, experience);
        foreach (var update in updates)
        {
            (Experience Of, RecordedStep Recorded)[] pairs = [.. update.Where(Teaches).SelectMany(static each => each.Steps.Select(recorded => (each, recorded)))];
            if (pairs.Length == 0 && update != updates[^1]) yield return Contracts.Algorithms.Objective.EndOfUpdate;
            for (var pair = 0; pair < pairs.Length; pair++)
            {
                var (of, recorded) = pairs[pair];
                var objective = Objective(step, of, recorded).Times(1.0 / (update.Count * of.Steps.Count));
                yield return pair == pairs.Length - 1 ? objective.Updating() : objective;
            }
        }
    }

    /// <inheritdoc/>
    public Result<Unit> Check(RunShape shape) => RunFit.Check(method, shape);

    private List<Experience> Collect(AlignmentStep step)
    {
        List<(MicroBatch Batch, Rollout Rollout, Scores Scores)> sampled = [.. step.Batches.Select(batch => Sample(step, batch))];
        var advantages = method.Advantages(step, [.. sampled.Select(static each => each.Scores)]);
        return [.. sampled.Zip(advantages, (each, own) => new Experience(
            each.Batch, each.Rollout, step.Keep(each.Scores.Total.alias()), step.Keep(tensor(own, device: each.Batch.Noise.device)), own.Any(static advantage => advantage != 0)))];
    }

    private (MicroBatch Batch, Rollout Rollout, Scores Scores) Sample(AlignmentStep step, MicroBatch batch)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var rollout = new Rollout(step, batch, method.Steps.Choose(step, batch), method);
        var sample = rollout.Roll(method.Settings.SharedNoise ? SharedNoise.Of(step, batch) : batch.Noise);
        var columns = batch.Score(sample).Columns.Select(column => new RewardColumn(column.Name, column.Weight, step.Keep(column.Values.detach())));
        return (batch, rollout, new Scores([.. columns]));
    }

    /// <summary>The micro-batches of each update, of every shard as evenly as they divide.</summary>
    private List<List<Experience>> Updates(AlignmentStep step, List<Experience> all)
    {
        var shard = all.Count / step.Shards;
        var updates = Math.Min(method.Settings.Updates, shard);
        return [.. Enumerable.Range(0, updates).Select(update => Enumerable.Range(0, step.Shards)
            .SelectMany(place => all[((place * shard) + (update * shard / updates))..((place * shard) + ((update + 1) * shard / updates))]).ToList())];
    }

    // Without advantages only the KL term has a gradient. What is left out counts in the mean as the zero that it is.
    private bool Teaches(Experience experience) => experience.HasAdvantage || method.Settings.KlWeight > 0;

    private Objective Objective(AlignmentStep step, Experience of, RecordedStep recorded)
    {
        var (settings, batch, index) = (method.Settings, of.Batch, recorded.Index);
        var sampler = StochasticSamplers.Of(method.Id, batch.Sampler);
        var reference = settings.KlWeight > 0 ? ReferenceKl.Velocity(step, batch, recorded) : null;
        var velocity = batch.Velocity(recorded.State, index);
        var transition = sampler.Transition(recorded.State, velocity, batch.Schedule, index);
        var logRatio = method.Ratio.LogRatio(transition, recorded);
        var loss = ClippedSurrogate.Loss(logRatio, of.Advantages, settings.ClipLow, settings.ClipHigh).mean() * method.Ratio.Weight(batch.Schedule, index);
        List<Measurement> measured =
        [
            new("reward", of.Rewards),
            new("advantage", of.Advantages),
            new("ratio", logRatio.detach().to(ScalarType.Float64).exp()),
            new("clip_fraction", ClippedSurrogate.Clipped(logRatio, of.Advantages, settings.ClipLow, settings.ClipHigh)),
            .. of.Sampling,
        ];
        if (reference is not null)
        {
            var kl = ReferenceKl.Of(settings.Kl, (transition, velocity), (sampler.Transition(recorded.State, reference, batch.Schedule, index), reference));
            loss += kl.to(ScalarType.Float64).mean() * settings.KlWeight;
            measured.Add(new("kl", kl.detach()));
        }
        return new Objective(loss, measured).From(batch);
    }
}

/// <summary>A micro-batch after its rollout. Its tensors are kept by the step of the run.</summary>
internal sealed class Experience(MicroBatch batch, Rollout rollout, Tensor rewards, Tensor advantages, bool hasAdvantage)
{
    public MicroBatch Batch { get; } = batch;

    public IReadOnlyList<RecordedStep> Steps { get; } = rollout.Recorded;

    /// <summary>What the sampler measured.</summary>
    public IReadOnlyList<Measurement> Sampling { get; } = rollout.Measured;

    public Tensor Rewards { get; } = rewards;

    public Tensor Advantages { get; } = advantages;

    /// <summary>Whether any sample was better or worse than its group.</summary>
    public bool HasAdvantage { get; } = hasAdvantage;
}
