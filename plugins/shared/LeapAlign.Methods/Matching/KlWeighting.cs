using System.Text.Json.Serialization;

namespace LeapAlign.Methods.Matching;

/// <summary>How a distance to the reference depends on σ.</summary>
public enum KlWeighting
{
    /// <summary>Not at all.</summary>
    [JsonStringEnumMemberName("uniform")]
    Uniform,

    /// <summary>As in the evidence lower bound.</summary>
    [JsonStringEnumMemberName("elbo")]
    Elbo,
}

/// <summary>The weights of distances to the reference.</summary>
public static class KlWeights
{
    /// <summary><c>weight</c> or <c>weight / (2 s²)</c> with <c>s = 0.7 sqrt(σ / (1 − σ))</c>, σ being at most 0.99 below the root: the noise of Flow-GRPO's sampler (arXiv 2505.05470).</summary>
    /// <param name="weighting">Which of them.</param>
    /// <param name="weight">A factor.</param>
    /// <param name="sigma">σ.</param>
    public static double Weigh(this KlWeighting weighting, double weight, double sigma)
    {
        if (weighting == KlWeighting.Uniform) return weight;
        var deviation = 0.7 * Math.Sqrt(sigma / (1 - Math.Min(sigma, 0.99)));
        return weight / (2 * deviation * deviation);
    }
}
