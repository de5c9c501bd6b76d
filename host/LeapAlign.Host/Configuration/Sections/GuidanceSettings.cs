using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace LeapAlign.Host.Configuration.Sections;

/// <summary>The section <c>guidance</c> of plugins.json.</summary>
internal sealed record GuidanceSettings
{
    [Description("How strongly captions steer, in training and evaluation; 1 is none and halves the evaluations.")]
    [Range(1, 100)]
    public double Scale { get; init; } = 1;

    [Description("Whether the gradient passes through the conditional branch only.")]
    public bool DetachNegative { get; init; }
}
