using LeapAlign.Contracts.Algorithms;
using static TorchSharp.torch;

namespace LeapAlign.Methods.Matching;

/// <summary>Velocities of the trained policy and of its copies at the same x_σ.</summary>
public static class PolicyVelocity
{
    /// <summary>v of the trained policy, with gradient when gradients are enabled.</summary>
    /// <param name="at">x_σ.</param>
    /// <param name="batch">The network.</param>
    /// <param name="guided">Whether the run's guidance is applied.</param>
    public static Tensor Of(NoisedSamples at, MicroBatch batch, bool guided)
    {
        ArgumentNullException.ThrowIfNull(at);
        ArgumentNullException.ThrowIfNull(batch);
        return guided ? batch.Network(at.Latents, at.Sigmas) : batch.Conditional(at.Latents, at.Sigmas);
    }

    /// <summary>v of a copy of the policy, without gradient.</summary>
    /// <param name="step">Keeps the copy.</param>
    /// <param name="name">One of the algorithm's copies, or the reference.</param>
    /// <param name="at">x_σ.</param>
    /// <param name="batch">The network.</param>
    /// <param name="guided">Whether the run's guidance is applied.</param>
    public static Tensor OfCopy(AlignmentStep step, string name, NoisedSamples at, MicroBatch batch, bool guided)
    {
        ArgumentNullException.ThrowIfNull(step);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var used = step.Use(name);
        return Of(at, batch, guided).detach().MoveToOuterDisposeScope();
    }
}
