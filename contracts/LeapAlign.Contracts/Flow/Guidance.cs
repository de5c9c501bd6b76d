using static TorchSharp.torch;

namespace LeapAlign.Contracts.Flow;

/// <summary>
/// How strongly the caption steers the velocity. Models trained with an empty caption combine two evaluations,
/// <c>v = v_neg + g (v_cond − v_neg)</c> (Ho and Salimans 2022, arXiv 2207.12598); distilled models take g as an input.
/// </summary>
/// <param name="Scale">g; 1 leaves the conditional velocity alone and costs one evaluation.</param>
/// <param name="DetachNegative">
/// Whether the gradient passes through the conditional branch only (<c>g ∂v_cond</c>), the negative one being evaluated without gradient on detached
/// latents; otherwise through both (<c>g ∂v_cond + (1−g) ∂v_neg</c>).
/// </param>
public sealed record Guidance(double Scale, bool DetachNegative = false)
{
    /// <summary>No guidance.</summary>
    public static Guidance None { get; } = new(1);

    /// <summary>Whether the negative branch is evaluated at all.</summary>
    public bool IsActive => Scale > 1;

    /// <summary>Combines two velocities into a guided one; with g ≤ 1 the conditional one is returned as it is.</summary>
    public Velocity Apply(Velocity conditional, Velocity negative)
    {
        return IsActive ? Guided : conditional;

        Tensor Guided(Tensor latents, int step)
        {
            var towards = conditional(latents, step);
            var away = DetachNegative ? Detached(negative, latents, step) : negative(latents, step);
            using TorchSharp.Scalar scale = Scale;
            return away.add(towards - away, scale);
        }
    }

    private static Tensor Detached(Velocity velocity, Tensor latents, int step)
    {
        using var _ = no_grad();
        return velocity(latents.detach(), step);
    }
}
