using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Contracts.Estimators;

namespace LeapAlign.Rewards.Verdict;

/// <summary>Settings of <c>verdict</c>.</summary>
public sealed record VerdictSettings
{
    /// <summary>The other reward.</summary>
    [Description("The name of another reward of the run whose score decides; null takes the program of command. Its role may be heldOut, so that it decides and is not trained itself.")]
    public string? Of { get; init; }

    /// <summary>The program that checks pictures, and its arguments.</summary>
    [Description("A program that checks a picture, PNG on its standard input, and writes one number to its standard output, or the word missing; then its arguments. A path is relative to plugins.json, a name is looked for on the PATH. The caption is in LEAPALIGN_CAPTION, what its file says of it in LEAPALIGN_METADATA. null takes the reward of of.")]
    [MinLength(1)]
    public IReadOnlyList<string>? Command { get; init; }

    /// <summary>Where a picture begins to pass.</summary>
    [Description("The score at which a picture passes.")]
    public double Threshold { get; init; } = 0.5;

    /// <summary>On which side of it.</summary>
    [Description("Which scores pass: at-least (the threshold and above) or below (what is below it, a tilt in degrees for instance).")]
    public PassingSide Passes { get; init; }

    /// <summary>Whether it has a gradient.</summary>
    [Description("Whether it can be trained by methods that follow gradients: none, or straight-through (a picture passes or fails, the gradient is that of a logistic slope around the threshold). The reward of of needs a gradient then; a program has none.")]
    public HardGradient Gradient { get; init; }

    /// <summary>How wide the slope is.</summary>
    [Description("With gradient straight-through: how far from the threshold, in scores, there is still a gradient; the slope is that of 1 / (1 + exp(-(score - threshold) / width)).")]
    [Range(0, 1e6, MinimumIsExclusive = true)]
    public double Width { get; init; } = 0.1;

    /// <summary>The lowest number that the program may write.</summary>
    [Description("The lowest number that the program may write; null for no bound. One outside is no answer.")]
    public double? Lowest { get; init; }

    /// <summary>The highest number that the program may write.</summary>
    [Description("The highest number that the program may write; null for no bound. One outside is no answer.")]
    public double? Highest { get; init; }

    /// <summary>Processes at the same time.</summary>
    [Description("Processes of the program at the same time.")]
    [Range(1, 256)]
    public int Concurrency { get; init; } = 2;

    /// <summary>Seconds for one picture.</summary>
    [Description("Seconds that the program may take for one picture. One that takes longer is ended, with all that it started.")]
    [Range(0.05, 86_400.0)]
    public double Timeout { get; init; } = 60;

    /// <summary>The longest output.</summary>
    [Description("The longest output of the program in bytes; what is longer is no answer, and no more of it is read.")]
    [Range(64, 1_048_576)]
    public int MaxResponseBytes { get; init; } = 4096;

    /// <summary>What a program that is too slow says.</summary>
    [Description("What it is when the program is too slow: missing (the picture has no verdict, which is not failed) or fail, which ends the run.")]
    public NoVerdict Late { get; init; }

    /// <summary>What a program that fails or lies says.</summary>
    [Description("What it is when the program cannot be started, ends with another exit code than 0, or writes no answer: fail, which ends the run, or missing.")]
    public NoVerdict Broken { get; init; } = NoVerdict.Fail;
}

/// <summary>Which scores pass.</summary>
public enum PassingSide
{
    /// <summary>The threshold and above.</summary>
    [JsonStringEnumMemberName("at-least")]
    AtLeast,

    /// <summary>Below the threshold.</summary>
    [JsonStringEnumMemberName("below")]
    Below,
}

/// <summary>What becomes of a picture without a verdict.</summary>
public enum NoVerdict
{
    /// <summary>It has no score.</summary>
    [JsonStringEnumMemberName("missing")]
    Missing,

    /// <summary>The run ends.</summary>
    [JsonStringEnumMemberName("fail")]
    Fail,
}
