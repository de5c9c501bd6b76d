using LeapAlign.Algorithms.Grpo.Steps;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Grpo;

/// <summary>
/// Samples a micro-batch without gradient and records the steps that will be trained while the sampler passes them: no evaluation beyond the N of the
/// path, and of the states only those at the two ends of a trained step are kept.
/// </summary>
internal sealed class Rollout(AlignmentStep step, MicroBatch batch, ChosenSteps chosen, GrpoMethod method)
{
    private readonly IStochasticSampler _sampler = StochasticSamplers.Of(method.Id, batch.Sampler);
    private readonly Dictionary<int, RecordedStep> _recorded = [];
    private readonly List<Measurement> _measured = [];
    private (int Index, Tensor State, Tensor Velocity)? _left;

    /// <summary>The trained steps, in the order of the choice.</summary>
    public IReadOnlyList<RecordedStep> Recorded => [.. chosen.Trained.Select(index => _recorded[index])];

    /// <summary>What the sampler measured on the way; the tensors are kept by the step of the run.</summary>
    public IReadOnlyList<Measurement> Measured => _measured;

    /// <summary>Goes from noise to the sample; called once.</summary>
    /// <param name="noise">The state at σ_0.</param>
    public Tensor Roll(Tensor noise)
    {
        using var _ = no_grad();
        var sample = batch.Sampler.Roll(noise, batch.Path with
        {
            Velocity = Velocity,
            Noise = index => chosen.Stochastic.Contains(index) ? method.DrawNoise(batch, index) : null,
            Passed = Passed,
            Measured = measured => _measured.Add(new Measurement(measured.Name, step.Keep(measured.Value.detach()))),
        });
        Arrive(sample);
        return sample;
    }

    private Tensor Velocity(Tensor latents, int index)
    {
        var arrived = Arrive(latents);
        var velocity = batch.Velocity(latents, index);
        // The sampler disposes its state and its velocity before the next call.
        if (chosen.Trained.Contains(index)) _left = (index, arrived ?? step.Keep(latents.detach()), velocity.alias());
        return velocity;
    }

    // A sampler that looks ahead calls no velocity for its steps.
    private void Passed(PassedStep passed)
    {
        if (chosen.Trained.Contains(passed.Index)) Record(passed.Index, step.Keep(passed.State.detach()), passed.Velocity, step.Keep(passed.Next.detach()));
    }

    /// <summary>Records the step that led here, if it is a trained one.</summary>
    /// <returns>The state, kept, when it was recorded.</returns>
    private Tensor? Arrive(Tensor latents)
    {
        if (_left is not var (index, state, velocity)) return null;
        _left = null;
        var next = step.Keep(latents.detach());
        Record(index, state, velocity, next);
        velocity.Dispose();
        return next;
    }

    private void Record(int index, Tensor state, Tensor velocity, Tensor next)
    {
        using var scope = NewDisposeScope();
        var transition = _sampler.Transition(state, velocity, batch.Schedule, index);
        if (StochasticSamplers.Unfit(method, transition, index) is { } fault) throw new FaultException(fault);
        var mean = method.Ratio.UsesMean ? step.Keep(transition.Mean.detach()) : null;
        _recorded[index] = new RecordedStep(index, state, next, step.Keep(transition.LogProbability(next)), mean);
    }
}
