using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Samplers;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Grpo;

/// <summary>How much more likely the policy has become to take a recorded step, and what the step's loss weighs.</summary>
public abstract class PolicyRatio
{
    /// <summary>Whether the rollout keeps the means of its steps.</summary>
    public abstract bool UsesMean { get; }

    /// <summary>log ρ, [B], fp64, with the graph of the policy; exactly 0 while the policy is that of the rollout.</summary>
    public abstract Tensor LogRatio(Transition now, RecordedStep then);

    /// <summary>The factor of the policy loss at a step.</summary>
    public virtual double Weight(Schedule schedule, int step) => 1;
}

/// <summary><c>log p(x_{i+1}) − log p_old(x_{i+1})</c>, log-probabilities being means over dimensions (Flow-GRPO, arXiv 2505.05470).</summary>
public sealed class PlainRatio : PolicyRatio
{
    /// <inheritdoc/>
    public override bool UsesMean => false;

    /// <inheritdoc/>
    public override Tensor LogRatio(Transition now, RecordedStep then)
    {
        ArgumentNullException.ThrowIfNull(now);
        ArgumentNullException.ThrowIfNull(then);
        return now.LogProbability(then.Next) - then.LogProbability;
    }
}

/// <summary>
/// <c>(log p − log p_old) c + mean_d δ² / (2c)</c> with <c>δ = μ − μ_old</c> (GRPO-Guard, arXiv 2510.22319): without the bias below 1 and of one size at every
/// step. With <c>x_{i+1} = μ_old + c z</c> it is <c>mean_d z δ</c>, and in this form nothing cancels.
/// </summary>
/// <param name="reweight">Whether the loss is divided by −Δ, to which its gradient is proportional.</param>
public sealed class GuardRatio(bool reweight) : PolicyRatio
{
    /// <inheritdoc/>
    public override bool UsesMean => true;

    /// <inheritdoc/>
    public override Tensor LogRatio(Transition now, RecordedStep then)
    {
        ArgumentNullException.ThrowIfNull(now);
        ArgumentNullException.ThrowIfNull(then);
        var mean = then.Mean ?? throw new InvalidOperationException("the rollout kept no mean");
        using TorchSharp.Scalar factor = 1 / now.Deviation;
        static Tensor Wide(Tensor values) => values.to(ScalarType.Float64);
        return RectifiedFlow.Mean((Wide(then.Next) - Wide(mean)) * (Wide(now.Mean) - Wide(mean))).mul(factor);
    }

    /// <inheritdoc/>
    public override double Weight(Schedule schedule, int step)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        return reweight ? -1 / schedule.Delta(step, step + 1) : 1;
    }
}
