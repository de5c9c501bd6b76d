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

    /// <summary><c>v = v_neg + g (v_cond − v_neg)</c>.</summary>
    /// <param name="conditional">v_cond, [B, ...].</param>
    /// <param name="negative">v_neg, the same shape.</param>
    public Tensor Combine(Tensor conditional, Tensor negative)
    {
        ArgumentNullException.ThrowIfNull(negative);
        using TorchSharp.Scalar scale = Scale;
        return negative.add(conditional - negative, scale);
    }

    /// <summary>The guided velocity: with g ≤ 1 the conditional one as it is, and nothing else is evaluated.</summary>
    /// <param name="latents">The state, [B, ...].</param>
    /// <param name="conditional">Evaluates the conditional branch.</param>
    /// <param name="negative">Evaluates the negative branch.</param>
    public Tensor Apply(Tensor latents, Func<Tensor, Tensor> conditional, Func<Tensor, Tensor> negative)
    {
        ArgumentNullException.ThrowIfNull(latents);
        ArgumentNullException.ThrowIfNull(conditional);
        ArgumentNullException.ThrowIfNull(negative);
        var towards = conditional(latents);
        return IsActive ? Combine(towards, DetachNegative ? Detached(negative, latents) : negative(latents)) : towards;
    }

    private static Tensor Detached(Func<Tensor, Tensor> velocity, Tensor latents)
    {
        using var _ = no_grad();
        return velocity(latents.detach());
    }
}
