using LeapAlign.Networks.Layers;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Clip;

/// <summary>What a cosine becomes as a score.</summary>
internal sealed record ClipForm
{
    /// <summary>Multiplies it.</summary>
    public double Factor { get; init; } = 1;

    /// <summary>Whether the model's own scale multiplies it, too.</summary>
    public bool TimesModelScale { get; init; }

    /// <summary>Whether a negative score counts as 0. It has no gradient then.</summary>
    public bool ClipsAtZero { get; init; }

    /// <summary>The scores of cosines.</summary>
    /// <param name="cosine">[B].</param>
    /// <param name="modelScale">[], the model's own scale; null where it is not asked for.</param>
    /// <returns>[B].</returns>
    public Tensor Score(Tensor cosine, Tensor? modelScale)
    {
        var score = modelScale is null ? cosine : cosine * modelScale;
        if (Factor != 1) score = score * Factor;
        return ClipsAtZero ? Activation.AtLeastZero(score) : score;
    }
}
