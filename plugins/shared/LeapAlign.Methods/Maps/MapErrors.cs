using LeapAlign.Methods.Matching;
using static TorchSharp.torch;

namespace LeapAlign.Methods.Maps;

/// <summary>
/// How far a mean velocity is from being that of a flow map: the squares of the residuals that vanish on one (arXiv 2505.18825), <c>mean_d r²</c> of each sample, [B], fp64. No gradient reaches a target.
/// Derivatives in a time are central differences, whose error falls as h²; at the ends of [0, 1] they are one-sided. In fp32 h = 0.01 is as good as the derivative; bf16 has too few digits for any h.
/// </summary>
/// <param name="jumps">u of the trained policy, with gradient when gradients are enabled.</param>
public sealed class MapErrors(JumpVelocity jumps)
{
    /// <summary>The distance on either side over which differences are taken.</summary>
    public const double Step = 1e-2;

    /// <summary>h.</summary>
    public double Difference { get; init; } = Step;

    /// <summary>The velocity that the map has to have on its diagonal, without gradient; null takes its own, u(x, σ, σ).</summary>
    public Func<Tensor, IReadOnlyList<double>, Tensor>? Teacher { get; init; }

    /// <summary>
    /// The semigroup condition, PSD: <c>u − sg[(1−γ) u(x, s, w) + γ u(X_{s→w}, w, t)]</c> with <c>w = γ s + (1−γ) t</c>: a jump is what the two jumps over its parts are.
    /// </summary>
    /// <param name="latents">x at s, [B, ...].</param>
    /// <param name="times">(s, t).</param>
    /// <param name="shares">γ, one for all samples or B.</param>
    /// <param name="predicted">u(x, s, t) where it is there already; null evaluates it.</param>
    public Tensor Semigroup(Tensor latents, IReadOnlyList<(double From, double To)> times, IReadOnlyList<double> shares, Tensor? predicted = null)
    {
        ArgumentNullException.ThrowIfNull(times);
        ArgumentNullException.ThrowIfNull(shares);
        return SampleErrors.Square(predicted ?? jumps(latents, times), Target());

        Tensor Target()
        {
            using var _ = no_grad();
            var still = latents.detach();
            double[] middles = [.. times.Select((time, sample) => (Share(sample) * time.From) + ((1 - Share(sample)) * time.To))];
            (double, double)[] before = [.. times.Zip(middles, static (time, middle) => (time.From, middle))];
            (double, double)[] after = [.. times.Zip(middles, static (time, middle) => (middle, time.To))];
            var first = jumps(still, before);
            var second = jumps(Jump.Of(still, first, before), after);
            return (first + (Jump.Each(still, shares, static share => share) * (second - first))).detach();
        }

        double Share(int sample) => shares.Count == 1 ? shares[0] : shares[sample];
    }

    /// <summary>
    /// The Lagrangian condition, LSD: <c>u + (t−s) ∂_t u − sg[u(X, t, t)]</c> with <c>X = sg(x + (t−s) u)</c>: the jump's end moves as the velocity there says. In the form of a target, LSD-T, the
    /// derivative belongs to what is held still, <c>u − sg[u(X, t, t) − (t−s) ∂_t u]</c>: the same value, and one evaluation with gradient in place of three.
    /// </summary>
    /// <param name="latents">x at s, [B, ...].</param>
    /// <param name="times">(s, t).</param>
    /// <param name="asTarget">Whether it is LSD-T.</param>
    public Tensor Lagrangian(Tensor latents, IReadOnlyList<(double From, double To)> times, bool asTarget)
    {
        ArgumentNullException.ThrowIfNull(times);
        var predicted = jumps(latents, times);
        var slope = asTarget ? Still(() => EndSlope(latents.detach(), times)) : EndSlope(latents, times);
        var length = Jump.Each(latents, times, static time => time.To - time.From);
        var reached = Still(() => OnDiagonal(Jump.Of(latents.detach(), predicted.detach(), times), [.. times.Select(static time => time.To)]));
        return SampleErrors.Square(predicted, asTarget ? (reached - (length * slope)).detach() : (reached.detach() - (length * slope)));
    }

    /// <summary>
    /// The Eulerian condition in the form of a target, ESD-T: <c>u − sg[v + (t−s)(∂_s u + (∇_x u) v)]</c> with <c>v = u(x, s, s)</c>: the jump's end does not change along the path of its beginning. The bracket is one
    /// difference along that path. It is MeanFlow, which the paper names as a special case.
    /// </summary>
    /// <param name="latents">x at s, [B, ...].</param>
    /// <param name="times">(s, t).</param>
    public Tensor Eulerian(Tensor latents, IReadOnlyList<(double From, double To)> times)
    {
        ArgumentNullException.ThrowIfNull(times);
        var target = Still(() =>
        {
            var still = latents.detach();
            var velocity = OnDiagonal(still, [.. times.Select(static time => time.From)]);
            (double From, double To)[] later = [.. times.Select(time => (Math.Min(1, time.From + Difference), time.To))];
            (double From, double To)[] earlier = [.. times.Select(time => (Math.Max(0, time.From - Difference), time.To))];
            Tensor Along((double From, double To)[] moved) =>
                jumps(still + (Jump.Each(still, [.. moved.Zip(times)], static pair => pair.First.From - pair.Second.From) * velocity), moved);
            var slope = (Along(later) - Along(earlier)) / Jump.Each(still, [.. later.Zip(earlier)], static pair => pair.First.From - pair.Second.From);
            return velocity + (Jump.Each(still, times, static time => time.To - time.From) * slope);
        });
        return SampleErrors.Square(jumps(latents, times), target.detach());
    }

    /// <summary>The tangent condition: <c>u(x, σ, σ) − v</c>, v being what the forward process says or the teacher's.</summary>
    /// <param name="at">x_σ.</param>
    public Tensor Diagonal(NoisedSamples at)
    {
        ArgumentNullException.ThrowIfNull(at);
        var target = Teacher is { } taught ? Still(() => taught(at.Latents.detach(), at.Sigmas)).detach() : at.Target;
        return SampleErrors.Square(jumps(at.Latents, Jump.Still(at.Sigmas)), target);
    }

    private Tensor OnDiagonal(Tensor latents, IReadOnlyList<double> sigmas) => Teacher is { } taught ? taught(latents, sigmas) : jumps(latents, Jump.Still(sigmas));

    private Tensor EndSlope(Tensor latents, IReadOnlyList<(double From, double To)> times)
    {
        (double From, double To)[] above = [.. times.Select(time => (time.From, Math.Min(1, time.To + Difference)))];
        (double From, double To)[] below = [.. times.Select(time => (time.From, Math.Max(0, time.To - Difference)))];
        return (jumps(latents, above) - jumps(latents, below)) / Jump.Each(latents, [.. above.Zip(below)], static pair => pair.First.To - pair.Second.To);
    }

    private static Tensor Still(Func<Tensor> evaluate)
    {
        using var _ = no_grad();
        return evaluate();
    }
}
