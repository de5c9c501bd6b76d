using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Algorithms.Forward.Losses;

namespace LeapAlign.Algorithms.Forward.Nft;

/// <summary>Settings of <c>nft</c>. The names are those of arXiv 2509.16117.</summary>
public sealed record NftSettings : ForwardSettings
{
    /// <summary>The published defaults for SD3.5.</summary>
    public NftSettings() => TimesPerSample = true;

    /// <summary>β.</summary>
    [Description("How far the positive and negative policies lie from the old one, beta. 1 is published for most rewards, 0.1 for OCR and several rewards.")]
    [Range(1e-4, 10)]
    public double Beta { get; init; } = 1;

    /// <summary>Weight of the distance to the reference.</summary>
    [Description("Weight of the squared distance between the velocities of the policy and of the reference; above 0 needs run.reference.")]
    [Range(0, 1e6)]
    public double KlWeight { get; init; } = 1e-4;

    /// <summary>What is taken from the advantages.</summary>
    [Description("What is taken from the advantages: all, positive, negative (others count as 0), binary (the sign), one (1 for positive, otherwise 0).")]
    public AdvantageKind Advantages { get; init; }

    /// <summary>How the old policy follows.</summary>
    [Description("How the old policy, which samples, follows the trained one. " + DecaySchedule.Notation)]
    [RegularExpression(DecaySchedule.Pattern)]
    public string OldDecay { get; init; } = "1";
}
