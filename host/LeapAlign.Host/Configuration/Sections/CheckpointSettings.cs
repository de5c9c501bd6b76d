using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace LeapAlign.Host.Configuration.Sections;

/// <summary>The section <c>checkpoint</c> of plugins.json.</summary>
internal sealed record CheckpointSettings
{
    [Description("Steps between checkpoints; there is always one at the end and one when the run is stopped. 0 leaves only these, -1 turns checkpoints off.")]
    [Range(-1, 10_000_000)]
    public int Every { get; init; } = 25;

    [Description("How many of the newest checkpoints are kept.")]
    [Range(1, 10_000)]
    public int Keep { get; init; } = 2;

    [Description("Which processes of a run write its checkpoints: all of them, each a share of every state, where all see the run folder (all), or the first, which the others bring to it what they share (first). Checkpoints hold the same; a run goes on from either with any number of processes.")]
    [AllowedValues(All, First)]
    public string Writers { get; init; } = All;

    [Description("The reward whose best evaluation is kept as a checkpoint, too; the first held-out one when it is absent. Without held-out rewards there is no best.")]
    public string? Best { get; init; }

    /// <summary>Every process writes a share.</summary>
    public const string All = "all";

    /// <summary>The first process writes all.</summary>
    public const string First = "first";
}
