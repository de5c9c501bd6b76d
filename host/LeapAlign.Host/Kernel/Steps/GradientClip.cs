using LeapAlign.Contracts.Models;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>The L2 norm of all gradients together, and its limit.</summary>
internal static class GradientClip
{
    /// <summary>Scales the gradients so that their norm is at most the limit. Nothing waits for the device.</summary>
    /// <param name="parameters">Weights; those without a gradient count as zero.</param>
    /// <param name="limit">The largest norm.</param>
    /// <returns>The norm before clipping, an fp32 scalar that is not finite when any gradient is not.</returns>
    public static Tensor Apply(IReadOnlyList<NamedTensor> parameters, double limit)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var gradients = parameters.Select(static parameter => parameter.Value.grad).OfType<Tensor>().ToList();
        if (gradients.Count == 0) return zeros([], dtype: ScalarType.Float32).MoveToOuterDisposeScope();
        var norm = stack(gradients.Select(static gradient => gradient.norm())).norm();
        var factor = (limit / (norm + 1e-6)).clamp_max(1);
        foreach (var gradient in gradients) gradient.mul_(factor);
        return norm.MoveToOuterDisposeScope();
    }

    /// <summary>Forgets all gradients.</summary>
    public static void Clear(IReadOnlyList<NamedTensor> parameters)
    {
        foreach (var parameter in parameters)
        {
            using var gradient = parameter.Value.grad;
            parameter.Value.grad = null;
        }
    }
}
