using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.JpegSize;

/// <summary>
/// Compressibility (Black et al., arXiv 2305.13301): the size of the picture as JPEG. The score is −kB/500 when small files are preferred and +kB/500
/// when large ones are, with kB = bytes / 1000. Not differentiable, and the prompt does not matter.
/// </summary>
/// <param name="settings">Quality and direction.</param>
public sealed class JpegSizeReward(JpegSizeSettings settings) : IReward, IBoundedReward
{
    private const double BytesPerKilobyte = 1000;
    private const double Divisor = 500;

    /// <inheritdoc/>
    public ScoreRange Range => settings.Prefer == PreferredSize.Small ? new(double.NegativeInfinity, 0) : new(0, double.PositiveInfinity);

    /// <inheritdoc/>
    /// <returns>[B], fp32, on the device of <paramref name="images"/>; NaN for a picture that has a value that is not finite.</returns>
    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(prompts);
        if (images.shape[0] != prompts.Count) throw new ArgumentException($"{images.shape[0]} pictures for {prompts.Count} prompts", nameof(prompts));
        var sign = settings.Prefer == PreferredSize.Small ? -1 : 1;
        return PictureBytes.Score(images, (picture, _) => sign * picture.ToJpeg(settings.Quality).Length / BytesPerKilobyte / Divisor);
    }
}
