using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Methods.Matching;

namespace LeapAlign.Algorithms.Forward.Awm;

/// <summary>Settings of <c>awm</c>. The defaults are Flow-Factory's for SD3.5.</summary>
public sealed record AwmSettings : ForwardSettings
{
    /// <summary>The published defaults for SD3.5.</summary>
    public AwmSettings()
    {
        Timesteps = 6;
        TimeRangeEnd = 0.9;
        InitialStep = false;
        AdvantageLimit = 1;
    }

    /// <summary>ω.</summary>
    [Description("How the matching error becomes a log-probability: uniform (-l), sigma (-sigma l), sigma-squared, huber (-sigma sqrt(l)), ghuber (-sigma l^p / p).")]
    public MatchingWeight Weighting { get; init; } = MatchingWeight.GHuber;

    /// <summary>p.</summary>
    [Description("Power p of ghuber.")]
    [Range(0.01, 1)]
    public double Power { get; init; } = 0.25;

    /// <summary>Divides the advantages.</summary>
    [Description("Advantages are divided by this after they were cut off; the authors cut off at 5 and divide by 5.")]
    [Range(1e-6, 1e6)]
    public double AdvantageScale { get; init; } = 1;

    /// <summary>c_lo.</summary>
    [Description("How far below 1 a probability ratio may fall before the clip takes its gradient; 1 is nearly no clip.")]
    [Range(0, 1)]
    public double ClipLow { get; init; } = 1;

    /// <summary>c_hi.</summary>
    [Description("How far above 1 a probability ratio may rise before the clip takes its gradient.")]
    [Range(0, 1e6)]
    public double ClipHigh { get; init; } = 1;

    /// <summary>Weight of the distance to the reference.</summary>
    [Description("Weight of the squared distance between the velocities of the policy and of the reference; above 0 needs run.reference.")]
    [Range(0, 1e6)]
    public double KlWeight { get; init; } = 1e-4;

    /// <summary>How the distance to the reference depends on σ.</summary>
    [Description("How the distance to the reference depends on sigma: uniform, or elbo, 1 / (2 s^2) with s = 0.7 sqrt(sigma / (1 - sigma)).")]
    public KlWeighting KlWeighting { get; init; }

    /// <summary>Weight of the distance to the moving average.</summary>
    [Description("Weight of the squared distance between the velocities of the policy and of its fast moving average. Without it the method collapses.")]
    [Range(0, 1e6)]
    public double EmaKlWeight { get; init; } = 1;

    /// <summary>How the moving average follows.</summary>
    [Description("How the moving average follows the trained policy. " + DecaySchedule.Notation)]
    [RegularExpression(DecaySchedule.Pattern)]
    public string EmaDecay { get; init; } = "0-0-0.001-0.3";
}

/// <summary>ω of a matching error l at σ; the log-probability is −ω.</summary>
public enum MatchingWeight
{
    /// <summary><c>l</c>.</summary>
    [JsonStringEnumMemberName("uniform")]
    Uniform,

    /// <summary><c>σ l</c>.</summary>
    [JsonStringEnumMemberName("sigma")]
    Sigma,

    /// <summary><c>σ² l</c>.</summary>
    [JsonStringEnumMemberName("sigma-squared")]
    SigmaSquared,

    /// <summary><c>σ (sqrt(l + 1e-10) − 1e-5)</c>.</summary>
    [JsonStringEnumMemberName("huber")]
    Huber,

    /// <summary><c>σ ((l + 1e-10)^p − (1e-10)^p) / p</c>.</summary>
    [JsonStringEnumMemberName("ghuber")]
    GHuber,
}
