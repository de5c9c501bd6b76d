using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Rewards.Clip;

/// <summary>Settings of <c>clip</c>.</summary>
public sealed record ClipSettings
{
    /// <summary>The model folder.</summary>
    [Description("The model: a CLIPModel folder as transformers writes it, with its tokenizer, relative to plugins.json.")]
    [JsonRequired]
    [PathSetting(PathKind.Folder)]
    public required string Model { get; init; }

    /// <summary>What the score is.</summary>
    [Description("What the score is: cosine (of picture and caption, in [-1, 1]) or logit (the cosine times the model's own scale, about 100 for published models).")]
    public ClipScale Scale { get; init; } = ClipScale.Cosine;

    /// <summary>Captions whose features are kept.</summary>
    [Description("Captions whose text features are kept; those that were used longest ago are dropped. 0 keeps none.")]
    [Range(0, 1_000_000)]
    public int TextCache { get; init; } = 4096;

    /// <summary>Where text features are kept between runs.</summary>
    [Description(TextWords.Folder)]
    public string? TextFolder { get; init; }
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
