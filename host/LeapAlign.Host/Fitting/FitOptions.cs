namespace LeapAlign.Host.Fitting;

/// <summary>Options of <c>fit</c>.</summary>
/// <param name="Reward">The name of the reward that is fitted.</param>
internal sealed record FitOptions(string Reward)
{
    /// <summary>The option of <see cref="From"/>.</summary>
    public const string FromOption = "--from";

    /// <summary>The option of <see cref="Scores"/>.</summary>
    public const string ScoresOption = "--scores";

    /// <summary>The option of <see cref="Pairs"/>.</summary>
    public const string PairsOption = "--pairs";

    /// <summary>The option of <see cref="Sigmas"/>.</summary>
    public const string SigmasOption = "--sigmas";

    /// <summary>The option of <see cref="Replaces"/>.</summary>
    public const string ReplaceOption = "--replace";

    /// <summary>The option of <see cref="Ridge"/>.</summary>
    public const string RidgeOption = "--ridge";

    /// <summary>The option of <see cref="Effects"/>.</summary>
    public const string EffectsOption = "--effects";

    /// <summary>The option of <see cref="Over"/>.</summary>
    public const string OverOption = "--over";

    /// <summary>The option of <see cref="Penalty"/>.</summary>
    public const string PenaltyOption = "--penalty";

    /// <summary>The option of <see cref="Layers"/>.</summary>
    public const string LayersOption = "--layers";

    /// <summary>The option of <see cref="Resumes"/>.</summary>
    public const string ResumeOption = "--resume";

    /// <summary>The graph of sites that fit the last layer together, each with a file of its own; null for one process with all rows.</summary>
    public string? Over { get; init; }

    /// <summary>What sites fit the last layer with: λ, where what goes into it has variance 1.</summary>
    public double Penalty { get; init; } = 0.01;

    /// <summary>The file of a fitted reward whose layers but the last are taken; null for those that the seed draws.</summary>
    public string? Layers { get; init; }

    /// <summary>Whether sites go on from the states that they kept.</summary>
    public bool Resumes { get; init; }

    /// <summary>Whether the last layer is solved for at the end, with a penalty that captions set aside choose.</summary>
    public bool Ridge { get; init; }

    /// <summary>The file that takes what the weight of each sample does to the error of what is held out; null for none.</summary>
    public string? Effects { get; init; }

    /// <summary>The name of the reward whose scores of drawn pictures it learns; null where a file has them.</summary>
    public string? From { get; init; }

    /// <summary>A file of pictures with captions and scores; null for none.</summary>
    public string? Scores { get; init; }

    /// <summary>A file of captions with a preferred and a rejected picture; null for none.</summary>
    public string? Pairs { get; init; }

    /// <summary>How many pictures are drawn.</summary>
    public int Pictures { get; init; } = 1024;

    /// <summary>Updates of the reward.</summary>
    public int Updates { get; init; } = 2000;

    /// <summary>Samples of an update.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>Samples of an update whose gradients are learnt, where there are some to learn from; 0 learns none.</summary>
    public int Slopes { get; init; } = 16;

    /// <summary>The share of captions that are held out.</summary>
    public double HeldOut { get; init; } = 0.25;

    /// <summary>The noise levels, from the lowest; the first is 0.</summary>
    public IReadOnlyList<double> Sigmas { get; init; } = [0, 0.25, 0.5, 0.75];

    /// <summary>The seed of everything that is drawn.</summary>
    public long Seed { get; init; }

    /// <summary>Whether a file that is there is replaced.</summary>
    public bool Replaces { get; init; }
}
