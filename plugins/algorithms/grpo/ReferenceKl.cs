using LeapAlign.Algorithms.Grpo.Settings;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Samplers;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Grpo;

/// <summary>How far a step of the policy is from the reference policy's at the same state.</summary>
internal static class ReferenceKl
{
    /// <summary>The reference's velocity, without gradient. Evaluated before the policy's: the weights are exchanged for it.</summary>
    public static Tensor Velocity(AlignmentStep step, MicroBatch batch, RecordedStep recorded)
    {
        using var _ = no_grad();
        using var reference = step.Use(PolicyCopy.Reference);
        return batch.Velocity(recorded.State, recorded.Index);
    }

    /// <summary>The divergence of each sample, [B], with the graph of the policy: the reference is a constant, its difference from the policy is not.</summary>
    public static Tensor Of(KlForm form, (Transition Transition, Tensor Velocity) policy, (Transition Transition, Tensor Velocity) reference)
    {
        if (form == KlForm.V) return RectifiedFlow.Mean((policy.Velocity - reference.Velocity).square());
        var squared = RectifiedFlow.Mean((policy.Transition.Mean - reference.Transition.Mean).square());
        if (form == KlForm.X) return squared;
        using TorchSharp.Scalar factor = 0.5 / (policy.Transition.Scale * policy.Transition.Scale);
        return squared.mul(factor);
    }
}
