using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Methods.Times;

namespace LeapAlign.Algorithms.Selection;

/// <summary>Settings of <c>dro-em</c>.</summary>
public sealed record DroEmSettings : SampleTimeSettings
{
    /// <summary>The candidates.</summary>
    [Description("What may be written behind a caption, one text for each: styles, lights, details. Around 20 of them; each once. \"\" writes nothing.")]
    [MinLength(2)]
    public IReadOnlyList<string> Fragments { get; init; } =
    [
        "", "highly detailed", "sharp focus", "soft light", "dramatic light", "bright colors", "muted colors", "high contrast", "close-up", "wide shot", "simple background", "centered", "photograph", "oil painting", "watercolor",
        "line drawing", "3D render",
    ];

    /// <summary>Candidates that are adapters.</summary>
    [Description("Candidates that are adapters, in the place of fragments: names among the candidates of the run's adapter (adapter.settings.candidates). They stay as they are; the model computes with those that are picked, beside what is trained. \"\" wears none. Empty where fragments are picked.")]
    public IReadOnlyList<string> Adapters { get; init; } = [];

    /// <summary>K.</summary>
    [Description("How many candidates are picked, none twice: fragments are written behind a caption in the order in which they are picked, what adapters do is added up.")]
    [Range(1, 64)]
    public int Picks { get; init; } = 1;

    /// <summary>What stands between a caption and its fragments.</summary>
    [Description("What stands between a caption and its fragments, and between these.")]
    public string Join { get; init; } = ", ";

    /// <summary>m.</summary>
    [Description("Selections that are drawn for each sample of a step and compared. Each costs an evaluation at every training time, or a rollout.")]
    [Range(2, 256)]
    public int Samples { get; init; } = 8;

    /// <summary>What tells a good selection.</summary>
    [Description("What tells a good selection: pictures (how likely the picture that comes with the prompt is under it) or online (the reward of a picture that is drawn with it).")]
    public EvidenceSource Evidence { get; init; }

    /// <summary>W.</summary>
    [Description("Scale W of likelihoods with evidence by pictures: log p = -(W/2) times the flow-matching error, which is a mean over the latents.")]
    [Range(0, 1e9, MinimumIsExclusive = true)]
    public double LikelihoodScale { get; init; } = 100;

    /// <summary>τ.</summary>
    [Description("Temperature of rewards with evidence online: log p = reward / temperature.")]
    [Range(0, 1e9, MinimumIsExclusive = true)]
    public double Temperature { get; init; } = 0.1;

    /// <summary>The least effective number of selections.</summary>
    [Description("The least effective number of selections, 1 / sum w^2, as a share of samples: evidence of a sample that rests on fewer is flattened until it rests on as many. 0 leaves it as it is, and one lucky draw may decide.")]
    [Range(0, 0.99)]
    public double Effective { get; init; } = 0.25;

    /// <summary>Weights below which the model is not trained.</summary>
    [Description("Selections whose weight is below this train the selector alone and cost no evaluation with gradient. Below one over twice the samples.")]
    [Range(0, 0.25)]
    public double Skip { get; init; } = 0.02;

    /// <summary>Steps of an iteration.</summary>
    [Description("Steps of an iteration: selections are drawn by the selector, and weighed by the model, that there were when it began. 1 weighs by the model as it is, and keeps no copy.")]
    [Range(1, 10_000_000)]
    public int Iteration { get; init; } = 1;

    /// <summary>Which of the two is trained.</summary>
    [Description("What is trained: both, selector (the model stays; half of the cost) or generator (selections stay uniform).")]
    public TrainedPlayers Train { get; init; }

    /// <summary>The factor of the model's loss.</summary>
    [Description("Factor of the model's loss, the weighted flow-matching error. Published is half of likelihoodScale.")]
    [Range(0, 1e9, MinimumIsExclusive = true)]
    public double GeneratorScale { get; init; } = 1;

    /// <summary>The learning rate of the selector.</summary>
    [Description("The learning rate of the selector; null takes that of the optimizer.")]
    [Range(0, 1e6, MinimumIsExclusive = true)]
    public double? SelectorRate { get; init; } = 0.01;

    /// <summary>F.</summary>
    [Description("Numbers of a caption that the selector looks at: fixed random directions of the pooled embedding of the model's text encoders. With 0 it does not look at captions, and finds what suits all.")]
    [Range(0, 4096)]
    public int Features { get; init; } = 32;

    /// <summary>Whether pictures are drawn with guidance.</summary>
    [Description("Whether pictures are drawn with the run's guidance with evidence online.")]
    public bool RolloutGuided { get; init; } = true;
}

/// <summary>What tells a good selection.</summary>
public enum EvidenceSource
{
    /// <summary>The picture that comes with the prompt.</summary>
    [JsonStringEnumMemberName("pictures")]
    Pictures,

    /// <summary>The reward of a picture that is drawn.</summary>
    [JsonStringEnumMemberName("online")]
    Online,
}

/// <summary>Which of selector and model are trained.</summary>
public enum TrainedPlayers
{
    /// <summary>Both.</summary>
    [JsonStringEnumMemberName("both")]
    Both,

    /// <summary>The selector.</summary>
    [JsonStringEnumMemberName("selector")]
    Selector,

    /// <summary>The model.</summary>
    [JsonStringEnumMemberName("generator")]
    Generator,
}
