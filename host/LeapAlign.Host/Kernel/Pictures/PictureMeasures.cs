using LeapAlign.Host.Kernel.Guards;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Pictures;

/// <summary>
/// Simple measures of what goes wrong with pictures when a reward is gamed: colours that run into the ends of their range, a grid or grain of fine detail,
/// pictures of a caption that all look alike.
/// </summary>
internal static class PictureMeasures
{
    /// <summary>Measures pictures.</summary>
    /// <param name="images">[B, 3, H, W] in [0, 1], all pictures of a caption one after another.</param>
    /// <param name="perCaption">Pictures of each caption.</param>
    /// <returns>By measure, a value for each picture, or for each caption for the diversity, which needs two pictures.</returns>
    public static IReadOnlyDictionary<string, double[]> Of(Tensor images, int perCaption)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var measures = new Dictionary<string, double[]>
        {
            [PictureMeasureNames.Clipped] = Values(Clipped(images)),
            [PictureMeasureNames.FineDetail] = Values(FineDetail(images)),
        };
        if (perCaption > 1) measures[PictureMeasureNames.Diversity] = Values(Diversity(images, perCaption));
        return measures;
    }

    // Within one step of 8 bits of an end.
    private static Tensor Clipped(Tensor images) => (images.lt(1 / 255.0) | images.gt(254 / 255.0)).to(ScalarType.Float32).flatten(1).mean([1]);

    // The power of luminance above half of the highest frequency, in either direction, against all of it but the mean.
    private static Tensor FineDetail(Tensor images)
    {
        var luminance = images.mean([1]);
        // Without its mean, whose power would drown that of a picture that is nearly flat.
        var power = fft.rfft2(luminance - luminance.mean([1, 2], keepdim: true)).abs().square();
        var (rows, columns) = ((int)images.shape[2], (int)images.shape[3]);
        var down = fft.fftfreq(rows, device: images.device).abs().unsqueeze(1);
        var across = fft.rfftfreq(columns, device: images.device).unsqueeze(0);
        var fine = (down.gt(0.25) | across.gt(0.25)).to(power.dtype);
        var rest = (down.add(across).gt(0)).to(power.dtype);
        return (power * fine).flatten(1).sum([1]) / ((power * rest).flatten(1).sum([1]) + 1e-12);
    }

    // Over all pairs: Σ|a − b|² = n Σ|a − m|² with the mean m, so that no pair has to be made. n Σ|a|² − |Σa|² is the same and loses its digits just where
    // pictures become alike; the first picture comes off before the mean, so that equal pictures are equal to the bit.
    private static Tensor Diversity(Tensor images, int perCaption)
    {
        var pictures = images.flatten(1).reshape(-1, perCaption, images[0].numel());
        var differences = pictures - pictures.narrow(1, 0, 1);
        var squares = (differences - differences.mean([1], keepdim: true)).square().sum([1, 2]);
        return (squares / ((perCaption - 1) / 2.0) / pictures.shape[2]).sqrt();
    }

    private static double[] Values(Tensor values) => values.to(ScalarType.Float64).cpu().data<double>().ToArray();
}
