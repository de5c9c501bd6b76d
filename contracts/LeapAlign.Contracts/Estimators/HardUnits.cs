using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Estimators;

/// <summary>
/// Units whose derivative is zero or absent, with a gradient nevertheless (Bengio, Léonard and Courville 2013, arXiv 1308.3432): rounding, thresholds, and choices that are drawn. a is what a unit is given, h what it
/// gives, σ the logistic function. Draws are keyed, and constants in the backward.
/// </summary>
public static class HardUnits
{
    private const double Levels = 255;

    /// <summary>The value of one, the gradient of the other: <c>soft + sg(hard − soft)</c>. Biased, and in a chain of several possibly of the wrong sign.</summary>
    /// <param name="hard">What is given, any shape.</param>
    /// <param name="soft">What its gradient is taken from, the same shape.</param>
    public static Tensor StraightThrough(Tensor hard, Tensor soft) => RectifiedFlow.Connect(soft, hard);

    /// <summary>Pictures as a file of 8 bits holds them: clamped, rounded to 255ths, half to even. Straight through between 0 and 1, no gradient outside.</summary>
    /// <param name="images">In [0, 1], any shape.</param>
    public static Tensor EightBit(Tensor images)
    {
        ArgumentNullException.ThrowIfNull(images);
        var clamped = images.clamp(0, 1);
        return StraightThrough(clamped.detach().mul(Levels).round().div(Levels), clamped);
    }

    /// <summary>1 from a threshold on, 0 below it, with the gradient of <c>σ((x − threshold) / width)</c>, at most 1 / (4 width).</summary>
    /// <param name="values">x, any shape.</param>
    /// <param name="threshold">Where 1 begins.</param>
    /// <param name="width">How far around it there is a gradient worth the name, positive.</param>
    public static Tensor Threshold(Tensor values, double threshold, double width)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        using TorchSharp.Scalar at = threshold;
        return StraightThrough(values.detach().ge(at).to(values.dtype), ((values - threshold) / width).sigmoid());
    }

    /// <summary>h ~ Bernoulli(σ(a)), without gradient.</summary>
    /// <param name="inputs">a, any shape.</param>
    /// <param name="key">The key of the draw.</param>
    public static Tensor Draw(Tensor inputs, RandomKey key)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        using var _ = no_grad();
        return Bernoulli(inputs.detach().sigmoid(), key);
    }

    /// <summary>h ~ Bernoulli(σ(a)) with <c>∂L/∂a := ∂L/∂h</c>, or that times σ′(a).</summary>
    /// <param name="inputs">a, any shape.</param>
    /// <param name="drawn">h, of <see cref="Draw"/>.</param>
    /// <param name="sloped">Whether it is times σ′(a).</param>
    public static Tensor Passed(Tensor inputs, Tensor drawn, bool sloped)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        return StraightThrough(drawn, sloped ? inputs.sigmoid() : inputs);
    }

    /// <summary><c>h = b √p</c> with p = σ(a) and b ~ Bernoulli(√p): E h = p, and a smooth factor that carries the gradient.</summary>
    /// <param name="inputs">a, any shape.</param>
    /// <param name="key">The key of b.</param>
    public static Tensor StochasticTimesSmooth(Tensor inputs, RandomKey key)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        var root = inputs.sigmoid().sqrt();
        using var constant = no_grad();
        var drawn = Bernoulli(root.detach(), key);
        using var _ = enable_grad();
        return drawn * root;
    }

    /// <summary><c>h = max(0, a + z)</c> with logistic z: P(h &gt; 0) = σ(a), E h = ln(1 + eᵃ).</summary>
    /// <param name="inputs">a, any shape.</param>
    /// <param name="key">The key of z.</param>
    public static Tensor NoisyRectifier(Tensor inputs, RandomKey key)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        var uniform = Uniform(inputs, key);
        return (inputs + (uniform / (1 - uniform)).log().to(inputs.dtype)).relu();
    }

    /// <summary>
    /// <c>Σ_i a_i sg((h_i − σ(a_i)) (L − b_i))</c>, whose gradient is the unbiased estimate of that of E L. It has no meaning as a value.
    /// </summary>
    /// <param name="inputs">a, [B, n].</param>
    /// <param name="drawn">h, [B, n].</param>
    /// <param name="losses">L, [B].</param>
    /// <param name="baselines">b of each unit, [n]; independent of these h.</param>
    /// <returns>[B].</returns>
    public static Tensor Reinforce(Tensor inputs, Tensor drawn, Tensor losses, Tensor baselines)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(drawn);
        ArgumentNullException.ThrowIfNull(losses);
        ArgumentNullException.ThrowIfNull(baselines);
        return (inputs * ((drawn - inputs.sigmoid()) * (losses.unsqueeze(1) - baselines)).detach()).sum([1]);
    }

    private static Tensor Bernoulli(Tensor probabilities, RandomKey key) => Uniform(probabilities, key).lt(probabilities).to(probabilities.dtype);

    // Of normal noise, which is the same on every device and thread count; fp64, so that neither end is met.
    private static Tensor Uniform(Tensor like, RandomKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        using var _ = no_grad();
        return (key.Normal(like.shape, like.device).to(ScalarType.Float64) * Math.Sqrt(0.5)).erf().add(1).mul(0.5).clamp(1e-12, 1 - 1e-12);
    }
}
