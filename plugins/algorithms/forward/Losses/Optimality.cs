using System.Text.Json.Serialization;

namespace LeapAlign.Algorithms.Forward.Losses;

/// <summary>Advantages as probabilities that a sample is among the good ones: <c>r = clip(A / A_max / 2 + ½, 0, 1)</c> (DiffusionNFT, arXiv 2509.16117).</summary>
internal static class Optimality
{
    /// <summary>r of each advantage.</summary>
    /// <param name="advantages">Within ±limit.</param>
    /// <param name="limit">A_max.</param>
    /// <param name="kind">What is taken from the advantages.</param>
    public static double[] Of(double[] advantages, double limit, AdvantageKind kind) =>
        Array.ConvertAll(advantages, advantage => Math.Clamp((Taken(advantage, kind) / limit / 2) + 0.5, 0, 1));

    private static double Taken(double advantage, AdvantageKind kind) => kind switch
    {
        AdvantageKind.Positive => Math.Max(advantage, 0),
        AdvantageKind.Negative => Math.Min(advantage, 0),
        AdvantageKind.Binary => Math.Sign(advantage),
        AdvantageKind.One => advantage > 0 ? 1 : 0,
        _ => advantage,
    };
}

/// <summary>What is taken from an advantage.</summary>
public enum AdvantageKind
{
    /// <summary>The advantage itself.</summary>
    [JsonStringEnumMemberName("all")]
    All,

    /// <summary>Positive advantages; others count as 0.</summary>
    [JsonStringEnumMemberName("positive")]
    Positive,

    /// <summary>Negative advantages; others count as 0.</summary>
    [JsonStringEnumMemberName("negative")]
    Negative,

    /// <summary>The sign.</summary>
    [JsonStringEnumMemberName("binary")]
    Binary,

    /// <summary>1 for a positive advantage, otherwise 0.</summary>
    [JsonStringEnumMemberName("one")]
    One,
}
