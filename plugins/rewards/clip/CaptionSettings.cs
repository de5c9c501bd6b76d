using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace LeapAlign.Rewards.Clip;

/// <summary>What rewards that compare pictures with captions keep of captions.</summary>
public abstract record CaptionSettings
{
    /// <summary>Captions whose features are kept.</summary>
    [Description("Captions whose text features are kept; those that were used longest ago are dropped. 0 keeps none.")]
    [Range(0, 1_000_000)]
    public int TextCache { get; init; } = 4096;

    /// <summary>Where text features are kept between runs.</summary>
    [Description("A folder in which text features are kept between runs, relative to plugins.json; they are found by the content of the model's files. Null keeps none.")]
    public string? TextFolder { get; init; }
}
