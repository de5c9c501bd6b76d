using System.ComponentModel;
using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Rewards.Clip;

/// <summary>Settings of <c>clip</c>.</summary>
public sealed record ClipSettings : CaptionSettings
{
    /// <summary>The model folder.</summary>
    [Description("The model: a CLIPModel folder as transformers writes it, with its tokenizer, relative to plugins.json.")]
    [JsonRequired]
    [PathSetting(PathKind.Folder)]
    public required string Model { get; init; }

    /// <summary>What the score is.</summary>
    [Description("What the score is: cosine (of picture and caption, in [-1, 1]) or logit (the cosine times the model's own scale, about 100 for published models).")]
    public ClipScale Scale { get; init; } = ClipScale.Cosine;
}

/// <summary>What the score is.</summary>
public enum ClipScale
{
    /// <summary>The cosine of picture and caption.</summary>
    [JsonStringEnumMemberName("cosine")]
    Cosine,

    /// <summary>The cosine times the model's own scale.</summary>
    [JsonStringEnumMemberName("logit")]
    Logit,
}
