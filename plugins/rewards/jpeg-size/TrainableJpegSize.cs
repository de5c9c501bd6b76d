using LeapAlign.Contracts.Estimators;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.JpegSize;

/// <summary>
/// The same scores with a gradient, straight through the encoder: what a picture has beyond a flat one of its size changes as the smooth measure of its coefficients does, in parts of itself
/// (<c>∂ bytes := (bytes − flat) ∂ ln S</c>).
/// </summary>
/// <param name="settings">Quality and direction.</param>
public sealed class TrainableJpegSize(JpegSizeSettings settings) : IDifferentiableReward, IBoundedReward
{
    private readonly JpegSizeReward _hard = new(settings);
    private readonly CodedSize _size = new(settings.Quality);

    /// <inheritdoc/>
    public ScoreRange Range => _hard.Range;

    /// <inheritdoc/>
    /// <returns>[B], fp32: the value of <c>jpeg-size</c> without a gradient; NaN for a picture that has a value that is not finite.</returns>
    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
    {
        using var scope = NewDisposeScope();
        var hard = _hard.Score(images, prompts);
        if (!is_grad_enabled() || !images.requires_grad) return hard.MoveToOuterDisposeScope();
        // In fp64 the value comes back to the last bit of fp32.
        var measure = _size.Of(images).to(ScalarType.Float64);
        var beyond = hard - Flat(images, prompts);
        // Of a flat picture nothing is left to lose.
        return HardUnits.StraightThrough(hard.to(ScalarType.Float64), beyond * measure / measure.detach().clamp_min(1)).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    private Tensor Flat(Tensor images, IReadOnlyList<Prompt> prompts)
    {
        using var _ = no_grad();
        return _hard.Score(full([1, 3, images.shape[2], images.shape[3]], 0.5f, dtype: ScalarType.Float32, device: images.device), [prompts[0]]);
    }
}
