using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace LeapAlign.Host.Configuration.Sections;

/// <summary>What an entry of <c>rewards</c> says beside its id and settings.</summary>
internal sealed record RewardEntry
{
    [Description("The name in tables and metrics, unique among the rewards; the id when it is absent.")]
    [RegularExpression("^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    public string? Name { get; init; }

    [Description("train: its score trains the model; heldOut: it is measured in evaluation only.")]
    [AllowedValues("train", "heldOut")]
    public string Role { get; init; } = "train";

    [Description("The factor in the sum of rewards that is trained.")]
    [Range(-1e6, 1e6)]
    public double Weight { get; init; } = 1;

    [Description("Subtracted from the score before it trains: with scale, the reward's own normalisation. Metrics and evaluations show the score itself.")]
    [Range(-1e9, 1e9)]
    public double Offset { get; init; }

    [Description("What the score is divided by before it trains.")]
    [Range(1e-9, 1e9)]
    public double Scale { get; init; } = 1;

    [Description("What an evaluation reports: the mean over pictures, or over the means of the tasks that prompts belong to, as GenEval counts.")]
    [AllowedValues("pictures", "tasks")]
    public string Average { get; init; } = "pictures";
}
