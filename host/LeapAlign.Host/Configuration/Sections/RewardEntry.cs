using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Kernel.Ranks.Scorers;

namespace LeapAlign.Host.Configuration.Sections;

/// <summary>What an entry of <c>rewards</c> says beside its id and settings.</summary>
internal sealed record RewardEntry : ListEntry
{
    /// <summary>A value of <see cref="Role"/>.</summary>
    public const string Trained = "train";

    /// <summary>The other.</summary>
    public const string Watched = "heldOut";

    /// <summary>A value of <see cref="Average"/>.</summary>
    public const string OfPictures = "pictures";

    /// <summary>The other.</summary>
    public const string OfTasks = "tasks";

    [Description("train: its score trains the model; heldOut: it is measured in evaluation only.")]
    [AllowedValues(Trained, Watched)]
    public string Role { get; init; } = Trained;

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
    [AllowedValues(OfPictures, OfTasks)]
    public string Average { get; init; } = OfPictures;

    [Description("Where the reward computes: run, on the device of the run; host, there too, with its weights in the memory of the machine, from where a layer at a time comes to the device for each use (for rewards with networks of their own); or another device: cpu, cuda, cuda:0, cuda:1, ...; or scorer, in the processes that only score (run.scorers), by turns, or in one of them alone (scorer:0, scorer:1, ...). Pictures and gradients travel. A reward of latents is where the model is.")]
    [RegularExpression(ScorerPlacement.Words)]
    public string Placement { get; init; } = PlacedPart.Run;
}
