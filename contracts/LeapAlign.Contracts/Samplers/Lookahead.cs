using static TorchSharp.torch;

namespace LeapAlign.Contracts.Samplers;

/// <summary>The velocity at states of several samples of a path, at steps of their own, in one evaluation.</summary>
/// <param name="latents">n states, [n, C, h, w]; a sample may come several times.</param>
/// <param name="samples">The place of each in the path's batch.</param>
/// <param name="steps">The step of each.</param>
/// <returns>[n, C, h, w].</returns>
public delegate Tensor VelocityAhead(Tensor latents, IReadOnlyList<int> samples, IReadOnlyList<int> steps);

/// <summary>What a path offers to a sampler that evaluates states before it knows whether it reaches them.</summary>
/// <param name="Velocity">That of the run's model.</param>
/// <param name="Taught">That of the run's second, frozen model; it throws where there is none.</param>
/// <param name="Uniform">For each sample of the batch the number, uniform in [0, 1), that decides about its draft of a step. The same whenever it is asked for.</param>
public sealed record Lookahead(VelocityAhead Velocity, VelocityAhead Taught, Func<int, IReadOnlyList<double>> Uniform);

/// <summary>A step that a sampler has made, told where it called no velocity for it. The tensors are the sampler's.</summary>
/// <param name="index">i.</param>
/// <param name="state">x_i, [B, ...].</param>
/// <param name="velocity">The velocity at x_i of whose law the step is, the shape of x.</param>
/// <param name="next">x_{i+1}.</param>
public sealed class PassedStep(int index, Tensor state, Tensor velocity, Tensor next)
{
    /// <summary>i, 0 ≤ i &lt; N.</summary>
    public int Index { get; } = index;

    /// <summary>x_i, [B, ...].</summary>
    public Tensor State { get; } = state;

    /// <summary>The velocity at x_i of whose law the step is.</summary>
    public Tensor Velocity { get; } = velocity;

    /// <summary>x_{i+1}.</summary>
    public Tensor Next { get; } = next;
}
