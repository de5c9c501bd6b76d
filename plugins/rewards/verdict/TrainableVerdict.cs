using LeapAlign.Contracts.Estimators;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Verdict;

/// <summary>The same verdicts with a gradient, straight through the threshold: that of a logistic slope around it, times that of what is judged. A picture without a verdict has none.</summary>
public sealed class TrainableVerdict : VerdictReward, IDifferentiableReward
{
    private readonly VerdictSettings _settings;

    internal TrainableVerdict(VerdictSettings settings, IReward measured)
        : base(settings, measured) => _settings = settings;

    /// <inheritdoc/>
    public override Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
    {
        using var scope = NewDisposeScope();
        var scores = Measured(images, prompts);
        var missing = scores.detach().isnan();
        // Masked before, too: what is no number has no derivative that could be masked behind.
        var passed = HardUnits.Threshold(scores.masked_fill(missing, _settings.Threshold), _settings.Threshold, _settings.Width);
        var verdict = _settings.Passes == PassingSide.AtLeast ? passed : 1 - passed;
        return verdict.to(ScalarType.Float32).masked_fill(missing, float.NaN).MoveToOuterDisposeScope();
    }
}
