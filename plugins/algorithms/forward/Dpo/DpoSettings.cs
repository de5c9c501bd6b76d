using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Methods.Times;

namespace LeapAlign.Algorithms.Forward.Dpo;

/// <summary>Settings of <c>dpo</c>.</summary>
public sealed record DpoSettings : ForwardSettings
{
    /// <summary>The published defaults for SD3.5.</summary>
    public DpoSettings()
    {
        Timesteps = 1;
        Times = TimeKind.LogitNormal;
        TimesPerSample = true;
    }

    /// <summary>Where pairs come from.</summary>
    [Description("Where pairs come from: online (the best and the worst sample of each group) or preferences (the pictures of the prompt source).")]
    public PairSource Source { get; init; }

    /// <summary>Which policy samples online pairs.</summary>
    [Description("Which policy samples online pairs: the reference, or the one that is trained.")]
    public RolloutPolicy Rollout { get; init; }

    /// <summary>β.</summary>
    [Description("Inverse temperature beta, for errors that are means over the latents: 100 for SD3.5, 2000 to 5000 are usual elsewhere.")]
    [Range(1e-6, 1e9)]
    public double Beta { get; init; } = 100;

    /// <summary>Steps between refreshes of the reference.</summary>
    [Description("Steps after which the reference becomes a copy of the trained policy, again and again (40 is published); null keeps the policy that training started from, which needs run.reference.")]
    [Range(1, 1_000_000_000)]
    public int? RefreshEvery { get; init; }
}

/// <summary>Where pairs come from.</summary>
public enum PairSource
{
    /// <summary>The best and the worst sample of each group.</summary>
    [JsonStringEnumMemberName("online")]
    Online,

    /// <summary>The pictures of the prompt source.</summary>
    [JsonStringEnumMemberName("preferences")]
    Preferences,
}

/// <summary>Which policy samples.</summary>
public enum RolloutPolicy
{
    /// <summary>The reference.</summary>
    [JsonStringEnumMemberName("reference")]
    Reference,

    /// <summary>The one that is trained.</summary>
    [JsonStringEnumMemberName("policy")]
    Policy,
}
