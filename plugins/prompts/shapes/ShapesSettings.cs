using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace LeapAlign.Prompts.Shapes;

/// <summary>Settings of <c>shapes</c>.</summary>
public sealed record ShapesSettings
{
    /// <summary>How many prompts.</summary>
    [Description("Captions, the six task families in turn.")]
    [Range(1, 10_000_000)]
    public int Captions { get; init; } = 3000;

    /// <summary>Their seed.</summary>
    [Description("The seed of captions and pictures.")]
    [Range(0, long.MaxValue)]
    public long Seed { get; init; }

    /// <summary>Where pictures go.</summary>
    [Description("A folder for a picture of each caption, drawn when it is not there yet; relative to plugins.json. null draws none.")]
    public string? Pictures { get; init; }
}
