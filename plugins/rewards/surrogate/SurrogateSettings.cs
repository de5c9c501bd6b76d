using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace LeapAlign.Rewards.Surrogate;

/// <summary>Settings of <c>surrogate-attack</c>.</summary>
public sealed record SurrogateSettings
{
    /// <summary>The other rewards.</summary>
    [Description("The names of other rewards of the run whose scores it gives; they need no gradient, and may be heldOut, so that they are not trained themselves.")]
    [JsonRequired]
    [MinLength(1)]
    public required IReadOnlyList<string> Of { get; init; }

    /// <summary>Their weights.</summary>
    [Description("A weight for each of them, whose sum is the score; null for 1 each.")]
    public IReadOnlyList<double>? Weights { get; init; }

    /// <summary>M.</summary>
    [Description("Steps between two fits of the regression. Until the first one there is no gradient: those steps collect.")]
    [Range(1, 100_000)]
    public int Every { get; init; } = 5;

    /// <summary>Updates of a fit.</summary>
    [Description("Updates of each of the three regressions in a fit.")]
    [Range(1, 1_000_000)]
    public int Updates { get; init; } = 200;

    /// <summary>Pictures of an update.</summary>
    [Description("Pictures of an update, drawn from those that are kept.")]
    [Range(1, 4096)]
    public int Batch { get; init; } = 64;

    /// <summary>Pictures that are kept.</summary>
    [Description("The pictures that are kept with their scores, the newest ones; they are part of every checkpoint.")]
    [Range(2, 1_000_000)]
    public int Capacity { get; init; } = 1024;

    /// <summary>The side of what is kept of a picture.</summary>
    [Description("The side that pictures are shrunk to for the regression, in pixels; a multiple of 8.")]
    [AllowedValues(16, 32, 48, 64, 96, 128)]
    public int Size { get; init; } = 32;

    /// <summary>Channels.</summary>
    [Description("Channels of the regression's convolutions.")]
    [Range(4, 512)]
    public int Width { get; init; } = 32;

    /// <summary>The learning rate of the regression.</summary>
    [Description("The learning rate of the regression, with AdamW.")]
    [Range(1e-7, 1)]
    public double Rate { get; init; } = 1e-3;

    /// <summary>The seed of the first weights.</summary>
    [Description("The seed of the regression's first weights.")]
    public long Seed { get; init; }

    /// <summary>Whether updates that lower the true rewards are to be undone.</summary>
    [Description("Whether the run has to undo updates after which the true rewards of their samples are lower (guard.fallen: undo). Without that a run learns what the regression does not know.")]
    public bool Guarded { get; init; } = true;
}
