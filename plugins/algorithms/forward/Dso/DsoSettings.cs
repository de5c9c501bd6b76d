using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Algorithms.Forward.Samples;
using LeapAlign.Methods.Times;

namespace LeapAlign.Algorithms.Forward.Dso;

/// <summary>Settings of <c>dso</c>.</summary>
public sealed record DsoSettings : SampleTimeSettings
{
    /// <summary>The published times: the logistic function of a normal number of mean 1.</summary>
    public DsoSettings() => LogitMean = 1;

    /// <summary>Where samples with verdicts come from.</summary>
    [Description("Where samples with verdicts come from: pictures (those of the prompt source, with their verdicts; nothing is rolled out and no checker runs) or online (each step's groups, rolled out by the trained policy and judged by the rewards).")]
    public SampleSource Source { get; init; }

    /// <summary>The loss.</summary>
    [Description("The loss: dro (errors of what passed down, of what failed up) or dpo (a preference for what passed, against the reference).")]
    public FeedbackLoss Loss { get; init; }

    /// <summary>κ.</summary>
    [Description("How far dro may raise the error of what failed above the reference's: 0.1 to 0.2. null is the published form, which has no bound and in long runs makes everything fail.")]
    [Range(1e-6, 1e6)]
    public double? Guard { get; init; } = 0.1;

    /// <summary>β.</summary>
    [Description("Inverse temperature beta of dpo, for errors that are means over the latents.")]
    [Range(1e-6, 1e9)]
    public double Beta { get; init; } = 500;

    /// <summary>Whether samples come in pairs.</summary>
    [Description("Whether each sample that passed comes with one of the same prompt that failed. dro can do without: then every sample counts by its own verdict.")]
    public bool Pairs { get; init; } = true;

    /// <summary>Whether the sides of a pair share noise.</summary>
    [Description("Whether the two samples of a pair have the same noise. The published code draws it for each; they share their training time either way.")]
    public bool SharedNoise { get; init; } = true;

    /// <summary>From which reward on a sample passed.</summary>
    [Description("The weighted sum of rewards from which on an online sample passed. One that is not a number is missing: the sample is left out.")]
    public double Threshold { get; init; } = 0.5;

    /// <summary>Whether the trained policy is evaluated with guidance.</summary>
    [Description("Whether velocities in the loss are those with the model's guidance; otherwise the caption's alone.")]
    public bool Guided { get; init; }

    /// <summary>Whether samples are rolled out with guidance.</summary>
    [Description("Whether online samples are rolled out with the model's guidance.")]
    public bool RolloutGuided { get; init; } = true;
}

/// <summary>How verdicts are learnt from.</summary>
public enum FeedbackLoss
{
    /// <summary>Errors, with the sign of the verdict.</summary>
    [JsonStringEnumMemberName("dro")]
    Dro,

    /// <summary>Preferences.</summary>
    [JsonStringEnumMemberName("dpo")]
    Dpo,
}
