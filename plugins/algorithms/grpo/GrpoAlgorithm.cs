using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Groups;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Grpo;

/// <summary>
/// Group-relative policy optimisation of a stochastic sampler (Flow-GRPO, arXiv 2505.05470, algorithm 1): samples of each prompt are compared with each other, and each trained step of a
/// sample is made more or less likely by its advantage, within a clip range. The methods of this family are choices of its parts: which steps are random and trained, and which ratio.
/// </summary>
/// <param name="id">The algorithm's id, for faults.</param>
/// <param name="settings">Advantages, clip range, KL term, updates.</param>
/// <param name="choose">Which steps are random and trained.</param>
public sealed class GrpoAlgorithm(string id, GrpoSettings settings, ChooseSteps choose) : IAlgorithm
{
    private readonly GrpoGuardSettings? _guard = settings as GrpoGuardSettings;

    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        var rollouts = step.Batches.Select(batch => Sample(step, batch)).ToList();
        var advantages = GroupAdvantages.Of(step.Batches, [.. rollouts.Select(static rollout => rollout.Scores)], settings);
        foreach (var update in rollouts.Zip(advantages).Chunk(rollouts.Count / settings.Updates))
        {
            // What has nothing to say is not evaluated, but counts in the mean.
            var trained = (from part in update
                           where settings.KlWeight > 0 || part.Second.Any(static advantage => advantage != 0)
                           from transition in part.First.Transitions
                           select (part.First, part.Second, transition)).ToList();
            var share = 1.0 / update.Sum(static part => part.First.Transitions.Count);
            for (var index = 0; index < trained.Count; index++)
            {
                var (rollout, own, transition) = trained[index];
                var objective = Objective(step, rollout.Batch, transition, own).Times(share);
                yield return index == trained.Count - 1 ? objective.Updating() : objective;
            }
        }
    }

    /// <inheritdoc/>
    public Result<Unit> Check(RunShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        var steps = shape.Schedule.Steps;
        if (steps < 2) return Refuse($"needs at least 2 sampling steps, but the sampler has {steps}");
        if (settings is FlowGrpoFastSettings { Window: > 0 } fast && Choices.LastStart(fast, steps) < fast.WindowFrom)
            return Refuse($"trains a window of {fast.Window} steps from step {fast.WindowFrom} on, ending before step {fast.WindowTo ?? steps - 1}, which does not fit into the {steps - 1} trainable steps of the sampler");
        if (settings is MixGrpoSettings mix && mix.Window > steps - 1) return Refuse($"trains a window of {mix.Window} steps, but the sampler has {steps - 1} trainable ones");
        if (shape.Accumulation % settings.Updates != 0) return Refuse($"makes {settings.Updates} updates of a step (updates), but run.accumulation {shape.Accumulation} is no multiple of that");
        return shape.Sampler is IStochasticSampler sampler ? Random(sampler, shape) : Unit.Value;
    }

    private Result<Unit> Random(IStochasticSampler sampler, RunShape shape)
    {
        using var scope = NewDisposeScope();
        using var still = zeros([1], dtype: ScalarType.Float64);
        for (var index = 0; index < shape.Schedule.Steps - 1; index++)
        {
            if (!(sampler.Transition(still, still, shape.Schedule, index).Deviation > 0))
                return Refuse($"trains step {index}, which the sampler makes without noise, so that it has no density: raise the sampler's noise");
        }
        return Unit.Value;
    }

    private Fault.Composition Refuse(string why) => new(FaultCodes.SettingsDoNotFit, $"'{id}' {why}");

    private Rollout Sample(AlignmentStep step, MicroBatch batch)
    {
        var choice = choose(batch.Random.For("steps"), step.Index, batch.Schedule.Steps);
        using var scope = NewDisposeScope();
        var noise = settings.SharedNoise ? GroupNoise(step, batch) : batch.Noise;
        return Rollout.Take(step, batch, noise, choice, keepMeans: _guard is not null);
    }

    /// <summary>One initial noise for each prompt of the step, whatever micro-batch its samples are in.</summary>
    private static Tensor GroupNoise(AlignmentStep step, MicroBatch batch) =>
        stack(batch.Prompts.Select(prompt => step.Random.For("group noise", prompt.Id).Normal(batch.Noise.shape.AsSpan(1), batch.Noise.device))).to(batch.Noise.dtype);

    private Objective Objective(AlignmentStep step, MicroBatch batch, RecordedTransition recorded, double[] advantages)
    {
        var sampler = (IStochasticSampler)batch.Sampler;
        var velocity = batch.Velocity(recorded.State, recorded.Step);
        var transition = sampler.Transition(recorded.State, velocity, batch.Schedule, recorded.Step);
        var logRatio = _guard is null ? PolicyRatio.Plain(transition, recorded) : PolicyRatio.Guarded(transition, recorded);
        var advantage = tensor(advantages, device: logRatio.device);
        var loss = ClippedSurrogate.Loss(logRatio, advantage, settings.Clip, settings.Clip).mean();
        if (_guard is { Reweight: true }) loss = loss / -batch.Schedule.Delta(recorded.Step, recorded.Step + 1);
        List<NamedTensor> measured =
        [
            new("advantage", advantage.abs()),
            new("ratio", logRatio.detach().exp()),
            new("clip_fraction", ClippedSurrogate.Clipped(logRatio, advantage, settings.Clip, settings.Clip)),
        ];
        if (settings.KlWeight > 0)
        {
            var divergence = Divergence(step, batch, recorded, (velocity, transition));
            loss = loss + (divergence.mean().to(loss.dtype) * settings.KlWeight);
            measured.Add(new("kl", divergence.detach()));
        }
        return new Objective(loss.to(logRatio.dtype), measured);
    }

    /// <summary>The KL term, [B]. The reference is evaluated without gradient; the difference from it is formed with.</summary>
    private Tensor Divergence(AlignmentStep step, MicroBatch batch, RecordedTransition recorded, (Tensor Velocity, Transition Transition) policy)
    {
        var velocity = ReferenceVelocity(step, batch, recorded);
        if (settings.Kl == KlForm.Velocity) return MeanSquare(policy.Velocity - velocity);
        var mean = ((IStochasticSampler)batch.Sampler).Transition(recorded.State, velocity, batch.Schedule, recorded.Step).Mean;
        var squared = MeanSquare(policy.Transition.Mean - mean);
        return settings.Kl == KlForm.State ? squared : squared / (2 * policy.Transition.Scale * policy.Transition.Scale);
    }

    private static Tensor ReferenceVelocity(AlignmentStep step, MicroBatch batch, RecordedTransition recorded)
    {
        using var _ = no_grad();
        using var reference = step.Use(PolicyCopy.Reference);
        return batch.Velocity(recorded.State, recorded.Step);
    }

    private static Tensor MeanSquare(Tensor difference) => difference.dim() == 1 ? difference.square() : difference.square().flatten(1).mean([1]);
}
