using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace LeapAlign.Algorithms.Forward.Dgpo;

/// <summary>Settings of <c>dgpo</c>. The defaults are Flow-Factory's for SD3.5.</summary>
public sealed record DgpoSettings : ForwardSettings
{
    /// <summary>The published defaults for SD3.5.</summary>
    public DgpoSettings()
    {
        Timesteps = 4;
        TimeRangeEnd = 0.6;
    }

    /// <summary>β.</summary>
    [Description("Inverse temperature beta: 10 to 100 with a frozen reference, 2000 to 5000 with one that moves.")]
    [Range(1e-6, 1e9)]
    public double Beta { get; init; } = 10;

    /// <summary>c.</summary>
    [Description("Samples leave the loss once the policy went further than this from its moving average in the direction of their advantage: 1e-3 to 1e-2 with guidance, 1e-5 to 1e-4 without are advised; null keeps all.")]
    [Range(0, 1e6)]
    public double? Clip { get; init; } = 0.05;

    /// <summary>Weight of the distance to the reference.</summary>
    [Description("Weight of the squared distance between the velocities of the policy and of the reference.")]
    [Range(0, 1e6)]
    public double KlWeight { get; init; } = 1e-3;

    /// <summary>Whether the distance is to the guided reference.</summary>
    [Description("Whether that distance is to the reference with the model's guidance, which is a further evaluation.")]
    public bool ReferenceGuided { get; init; }

    /// <summary>The step from which the moving average is the reference.</summary>
    [Description("The step from which the moving average of the policy takes the place of the reference; null never.")]
    [Range(0, 1_000_000_000)]
    public int? ReferenceUntil { get; init; } = 200;

    /// <summary>How the moving average follows.</summary>
    [Description("How the moving average follows the trained policy. " + DecaySchedule.Notation)]
    [RegularExpression(DecaySchedule.Pattern)]
    public string OldDecay { get; init; } = "0-0-0.001-0.3";
}
