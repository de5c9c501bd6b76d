using LeapAlign.Contracts.Models;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>The L2 norm of all gradients together, and its limit.</summary>
internal static class GradientClip
{
    /// <summary>The norm. Nothing waits for the device.</summary>
    /// <param name="parameters">Weights; those without a gradient count as zero.</param>
    /// <returns>An fp32 scalar that is not finite when any gradient is not.</returns>
    public static Tensor Norm(IReadOnlyList<NamedTensor> parameters)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var gradients = Gradients(parameters);
        if (gradients.Count == 0) return zeros([], dtype: ScalarType.Float32).MoveToOuterDisposeScope();
        return stack(gradients.Select(static gradient => gradient.norm())).norm().MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Scales the gradients so that their norm is at most the limit. Nothing waits for the device. A norm that is not a number makes every gradient one like
    /// it, so that whoever looks for the bad one looks before.
    /// </summary>
    /// <param name="parameters">The weights that the norm was taken of.</param>
    /// <param name="norm">Their <see cref="Norm"/>.</param>
    /// <param name="limit">The largest norm.</param>
    public static void Scale(IReadOnlyList<NamedTensor> parameters, Tensor norm, double limit)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var factor = (limit / (norm + 1e-6)).clamp_max(1);
        foreach (var gradient in Gradients(parameters)) gradient.mul_(factor);
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

    private static List<Tensor> Gradients(IReadOnlyList<NamedTensor> parameters) => [.. parameters.Select(static parameter => parameter.Value.grad).OfType<Tensor>()];
}
