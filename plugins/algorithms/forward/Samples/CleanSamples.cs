using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Methods.Groups;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Samples;

/// <summary>Clean latents x_0 of a micro-batch, with what is known about them; kept to the end of the step.</summary>
internal sealed class CleanSamples
{
    /// <summary>Evaluates the network for these samples.</summary>
    public required MicroBatch Batch { get; init; }

    /// <summary>x_0, [B, ...].</summary>
    public required Tensor Latents { get; init; }

    /// <summary>The rewards to log, any number; null when nothing was scored.</summary>
    public Tensor? Rewards { get; init; }

    /// <summary>A of each sample; empty when nothing was scored.</summary>
    public double[] Advantages { get; init; } = [];

    /// <summary>The weighted sum of rewards, or the score of a file, of each sample; empty when there is none. Not a number where it is missing.</summary>
    public double[] Scores { get; init; } = [];

    /// <summary>How many parts, one after another, share their noise and their training times: 2 for pairs, whose sides are compared.</summary>
    public int Sides { get; init; } = 1;

    /// <summary>Samples with draws of their own.</summary>
    public int Distinct => (int)Latents.shape[0] / Sides;

    /// <summary>Rolls all micro-batches of a step out and scores them, without gradient: N evaluations for each sample, whatever the training costs.</summary>
    /// <param name="step">The step.</param>
    /// <param name="policy">The copy of the policy that samples; null for the trained one.</param>
    /// <param name="settings">Guidance of the rollout, and advantages.</param>
    public static IReadOnlyList<CleanSamples> Roll(AlignmentStep step, string? policy, ForwardSettings settings)
    {
        IReadOnlyList<Tensor> latents = [.. step.Batches.Select(batch => Sample(step, policy, batch, settings.RolloutGuided))];
        IReadOnlyList<Scores> scores = [.. step.Batches.Select((batch, index) => Score(step, batch, latents[index]))];
        var advantages = GroupAdvantages.Of(step, scores, settings);
        return [.. step.Batches.Select((batch, index) => new CleanSamples
        {
            Batch = batch,
            Latents = latents[index],
            Rewards = step.Keep(scores[index].Total.detach()),
            Advantages = advantages[index],
        })];
    }

    /// <summary>Rolls all micro-batches of a step out by the trained policy and scores them, without gradient, for methods that take rewards as they are.</summary>
    /// <param name="step">The step.</param>
    /// <param name="guided">Guidance of the rollout.</param>
    public static IReadOnlyList<CleanSamples> Roll(AlignmentStep step, bool guided) => [.. step.Batches.Select(batch =>
    {
        var latents = Sample(step, null, batch, guided);
        var rewards = step.Keep(Score(step, batch, latents).Total.detach());
        return new CleanSamples { Batch = batch, Latents = latents, Rewards = rewards, Scores = Numbers(rewards) };
    })];

    private static double[] Numbers(Tensor values)
    {
        using var numbers = values.to(ScalarType.Float64).cpu().contiguous();
        return numbers.data<double>().ToArray();
    }

    private static Tensor Sample(AlignmentStep step, string? policy, MicroBatch batch, bool guided)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var used = policy is null ? null : step.Use(policy);
        var path = guided ? batch.Path : batch.ConditionalPath;
        return step.Keep(batch.Sampler.Roll(batch.Noise, path));
    }

    private static Scores Score(AlignmentStep step, MicroBatch batch, Tensor latents)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var scores = batch.Score(latents);
        return new Scores([.. scores.Columns.Select(column => new RewardColumn(column.Name, column.Weight, step.Keep(column.Values.detach())))]);
    }
}
