using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Samplers;

/// <summary>What a sampler integrates along: the whole schedule, or a piece of it.</summary>
/// <param name="Schedule">The noise levels.</param>
/// <param name="Velocity">Given the state and the step, the velocity. It may be a decorated one.</param>
public sealed record SamplingPath(Schedule Schedule, Velocity Velocity)
{
    /// <summary>Given the state and two steps, the mean velocity of the jump between them; null where the model is no flow map. It may be a decorated one.</summary>
    public MeanVelocity? Map { get; init; }

    /// <summary>The first step, 0 ≤ From.</summary>
    public int From { get; init; }

    /// <summary>The step before which to stop, so that the result is the state at σ_To; From ≤ To ≤ N.</summary>
    public int To { get; init; } = Schedule.Steps;

    /// <summary>
    /// The noise z of a step, in the shape of the state, for stochastic samplers; null where the step follows the probability-flow ODE. The sampler disposes
    /// it. Nothing is drawn by default, so that every sampler is deterministic.
    /// </summary>
    public Func<int, Tensor?> Noise { get; init; } = static _ => null;

    /// <summary>Evaluates states ahead of the path, for an <see cref="ISpeculativeSampler"/>; null where a path cannot: the sampler then goes step by step.</summary>
    public Lookahead? Ahead { get; init; }

    /// <summary>Is told of each step that a sampler made without calling <see cref="Velocity"/> for it, in order. The sampler disposes the tensors behind it. Null where nobody listens.</summary>
    public Action<PassedStep>? Passed { get; init; }

    /// <summary>Takes what the sampler measured on the way; its tensors live in the scope of the caller. Null where nobody listens.</summary>
    public Action<Measurement>? Measured { get; init; }
}
