using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace LeapAlign.Host.Configuration.Sections;

/// <summary>The section <c>sentinel</c> of plugins.json.</summary>
internal sealed record SentinelSettings
{
    [Description("What happens when trained rewards rise while held-out ones fall: warn says so, stop also ends the run and exports the best checkpoint, off does not look.")]
    [AllowedValues("off", "warn", "stop")]
    public string Mode { get; init; } = "warn";

    [Description("Evaluations one after another that must show it.")]
    [Range(1, 1000)]
    public int Patience { get; init; } = 2;

    [Description("How many standard errors of the difference, taken picture by picture, are noise.")]
    [Range(0, 100)]
    public double Noise { get; init; } = 2;
}
