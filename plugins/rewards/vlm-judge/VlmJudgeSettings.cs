using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Services;

namespace LeapAlign.Rewards.VlmJudge;

/// <summary>Settings of <c>vlm-judge</c>.</summary>
public sealed record VlmJudgeSettings : ServiceSettings
{
    /// <summary>Where questions are sent.</summary>
    [Description("Where questions are sent: the whole address of an OpenAI-compatible chat endpoint, https://.../v1/chat/completions. It holds no user name and no password; a token comes from tokenVariable.")]
    [RegularExpression(@"^https?://\S+$")]
    [JsonRequired]
    public required string Url { get; init; }

    /// <summary>The model that judges.</summary>
    [Description("The model that judges, as the service calls it.")]
    [MinLength(1)]
    [JsonRequired]
    public required string Model { get; init; }

    /// <summary>The file of the rubric.</summary>
    [Description("The text file that says how to judge, relative to plugins.json. Its last line is the form of the answer: 'Answer: yes | no', or for instance 'Answer: 1 to 10'.")]
    [PathSetting(PathKind.File)]
    [JsonRequired]
    public required string Rubric { get; init; }

    /// <summary>Whether http to another machine is allowed.</summary>
    [Description("Whether pictures, captions and token may go to another machine by http, which anybody on the way can read.")]
    public bool AllowInsecure { get; init; }

    /// <summary>The folder of answers that were given.</summary>
    [Description("The folder that keeps answers, relative to plugins.json and made when absent: a question that it holds is not asked again, in this run or another. Null keeps none.")]
    [MinLength(1)]
    public string? Cache { get; init; }

    /// <summary>What a picture without an answer is worth.</summary>
    [Description("What becomes of a picture whose question had no answer of the rubric's form, twice: fail (the run ends, naming the caption) or skip (a score that is not a number, of which guard.notFinite decides).")]
    public MissingAnswer Missing { get; init; } = MissingAnswer.Fail;
}

/// <summary>What becomes of a picture without an answer.</summary>
public enum MissingAnswer
{
    /// <summary>The run ends.</summary>
    [JsonStringEnumMemberName("fail")]
    Fail,

    /// <summary>Its score is not a number.</summary>
    [JsonStringEnumMemberName("skip")]
    Skip,
}
