using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Drafts;
using LeapAlign.Pipeline;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Drafts;

/// <summary>
/// Trains the run's model to propose steps that the section <c>teacher</c> accepts: along rollouts of the teacher, the total variation between the two models' next steps, token by token, by its closed form or by TVD++ (Goel and others 2024,
/// arXiv 2403.00858). Both models have the run's guidance, as they will have when one drafts for the other.
/// </summary>
/// <param name="settings">Which gradient, how many steps, what a token is.</param>
public sealed class DraftTvdAlgorithm(DraftTvdSettings settings) : IAlgorithm
{
    /// <inheritdoc/>
    public Result<Unit> Check(RunShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        if (shape.Sampler is not IStochasticSampler sampler) return Unit.Value;
        if (sampler is ISpeculativeSampler { DraftsForTeacher: false })
            return Unfit("follows the teacher's rollouts, and the sampler draws the policy's: give it \"drafter\": \"model\", so that the run's model drafts for the teacher, or take flow-sde");
        var random = Random(sampler, shape.Schedule).Length;
        if (random == 0) return Unfit("compares steps with noise, and the sampler takes none: give it a noise level above 0");
        return random < settings.Timesteps
            ? Unfit($"trains {settings.Timesteps} steps with noise, but the sampler takes {random} in {shape.Schedule.Steps}: lower timesteps")
            : Unit.Value;
    }

    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        List<TaughtRollout> rollouts = [.. step.Batches.Select(batch => Rolled(step, batch))];
        // Rewards of all samples first: TVD++ compares each with the mean over the whole batch of tokens.
        var mean = settings.Loss == DraftLoss.Sampled ? MeanReward(step, rollouts) : 0;
        foreach (var rollout in rollouts)
        {
            foreach (var taught in rollout.Steps) yield return Objective(rollout, taught, mean).Times(1.0 / (rollouts.Count * rollout.Steps.Count)).From(rollout.Batch);
        }
    }

    private TaughtRollout Rolled(AlignmentStep step, MicroBatch batch)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        if (batch.Sampler is not IStochasticSampler sampler)
            throw new FaultException(new Fault.Composition(FaultCodes.RequirementNotMet, $"'draft-tvd' needs the densities of a stochastic sampler, which {batch.Sampler.GetType().Name} does not have"));
        var chosen = batch.Random.For("trained steps").Open().Shuffle(Random(sampler, batch.Schedule))[..settings.Timesteps];
        var rollout = new TaughtRollout(step, batch, sampler, chosen);
        rollout.Roll();
        if (settings.Loss == DraftLoss.Sampled)
        {
            foreach (var taught in rollout.Steps) taught.Draw(Step(rollout, taught), settings.Token);
        }
        return rollout;
    }

    private static double MeanReward(AlignmentStep step, List<TaughtRollout> rollouts)
    {
        using var scope = NewDisposeScope();
        // Every sample has as many tokens as every other.
        double[] own = [.. rollouts.SelectMany(static rollout => stack(rollout.Steps.Select(static taught => taught.Rewards!.mean([1]))).mean([0]).cpu().data<double>())];
        return step.OfAllSamples(own).Average();
    }

    private Objective Objective(TaughtRollout rollout, TaughtStep taught, double mean)
    {
        var draft = Step(rollout, taught);
        var whole = new GaussianDraft(draft.Mean.detach(), taught.Mean, draft.Deviation);
        List<Measurement> measured = [new("acceptance", whole.Acceptance), new("draft_distance", whole.Distance / draft.Deviation), .. rollout.Measured];
        if (settings.Loss == DraftLoss.Closed)
        {
            var variation = new GaussianDraft(Tokens(draft.Mean), Tokens(taught.Mean), draft.Deviation).TotalVariation;
            measured.Add(new("token_variation", variation.detach()));
            return new Objective(variation.mean(), measured);
        }
        using Scalar factor = -0.5 / (draft.Deviation * draft.Deviation);
        var likelihood = Draws.Squares(taught.Next!, draft.Mean, settings.Token).mul(factor);
        measured.Add(new("token_reward", taught.Rewards!));
        return new Objective(DraftGradient.Loss(taught.Rewards!, likelihood, mean), measured);
    }

    private static Transition Step(TaughtRollout rollout, TaughtStep taught) =>
        rollout.Sampler.Transition(taught.State, rollout.Batch.Velocity(taught.State, taught.Index), rollout.Batch.Schedule, taught.Index);

    // [B·tokens, d]: each token is a sample of its own.
    private Tensor Tokens(Tensor latents) => LatentTokens.Of(latents, settings.Token).flatten(0, 1);

    private static int[] Random(IStochasticSampler sampler, Contracts.Flow.Schedule schedule)
    {
        using var scope = NewDisposeScope();
        var nothing = zeros(1, 1);
        return [.. Enumerable.Range(0, schedule.Steps).Where(step => sampler.Transition(nothing, nothing, schedule, step).Deviation > 0)];
    }

    private static Fault.Composition Unfit(string why) => new(FaultCodes.SettingsDoNotFit, $"'draft-tvd' {why}");
}
