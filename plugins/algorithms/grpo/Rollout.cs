using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.Samplers;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Grpo;

/// <summary>A trained step of a rollout. The tensors are kept to the end of the step of the run.</summary>
/// <param name="step">i.</param>
/// <param name="state">x_i, [B, ...].</param>
/// <param name="next">x_{i+1}, to the bit what the sampler reached.</param>
/// <param name="logProbability">Of x_{i+1} under the policy that sampled, [B].</param>
/// <param name="mean">μ_i of the policy that sampled; null unless asked for.</param>
internal sealed class RecordedTransition(int step, Tensor state, Tensor next, Tensor logProbability, Tensor? mean)
{
    public int Step { get; } = step;

    public Tensor State { get; } = state;

    public Tensor Next { get; } = next;

    public Tensor LogProbability { get; } = logProbability;

    public Tensor? Mean { get; } = mean;
}

/// <summary>A micro-batch's samples without gradient, with the transitions that are trained and the rewards.</summary>
internal sealed class Rollout
{
    private readonly AlignmentStep _run;
    private readonly IStochasticSampler _sampler;
    private readonly StepChoice _choice;
    private readonly bool _keepMeans;
    private readonly Dictionary<int, RecordedTransition> _transitions = [];
    private (int Step, Tensor State, Transition Transition)? _open;

    private Rollout(AlignmentStep run, MicroBatch batch, StepChoice choice, bool keepMeans)
    {
        (_run, Batch, _choice, _keepMeans) = (run, batch, choice, keepMeans);
        _sampler = (IStochasticSampler)batch.Sampler;
    }

    public MicroBatch Batch { get; }

    /// <summary>The rewards of the final samples, kept to the end of the step of the run.</summary>
    public Scores Scores { get; private set; } = null!;

    /// <summary>The trained transitions, in the order of their training.</summary>
    public IReadOnlyList<RecordedTransition> Transitions => [.. _choice.Trained.Select(step => _transitions[step])];

    /// <summary>Samples and scores.</summary>
    /// <param name="run">Keeps the tensors.</param>
    /// <param name="batch">Whose samples.</param>
    /// <param name="noise">Their initial noise, [B, ...].</param>
    /// <param name="choice">Which steps are random and trained.</param>
    /// <param name="keepMeans">Whether the means of trained steps are kept.</param>
    public static Rollout Take(AlignmentStep run, MicroBatch batch, Tensor noise, StepChoice choice, bool keepMeans)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var rollout = new Rollout(run, batch, choice, keepMeans);
        var sample = rollout._sampler.Roll(noise, batch.Path with { Velocity = rollout.Velocity, Noise = rollout.Noise });
        rollout.Close(sample);
        var scores = batch.Score.Run(sample);
        foreach (var column in scores.Columns) run.Keep(column.Values);
        rollout.Scores = scores;
        return rollout;
    }

    private Tensor? Noise(int step) => _choice.Random.Contains(step) ? Batch.Random.For("transition", step).Normal(Batch.Noise.shape, Batch.Noise.device) : null;

    private Tensor Velocity(Tensor latents, int step)
    {
        Close(latents);
        var velocity = Batch.Velocity(latents, step);
        if (_choice.Trained.Contains(step)) _open = (step, latents.detach(), _sampler.Transition(latents, velocity, Batch.Schedule, step));
        return velocity;
    }

    /// <summary>The state that a trained step reached is the one that comes next.</summary>
    private void Close(Tensor next)
    {
        if (_open is not { } open) return;
        var (step, state, transition) = open;
        _transitions[step] = new RecordedTransition(
            step, _run.Keep(state), _run.Keep(next.detach()), _run.Keep(transition.LogProbability(next)), _keepMeans ? _run.Keep(transition.Mean) : null);
        _open = null;
    }
}
