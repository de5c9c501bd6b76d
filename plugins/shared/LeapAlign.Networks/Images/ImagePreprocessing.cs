using LeapAlign.Networks.Configuration;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Images;

/// <summary>
/// What a CLIP image tower expects of its pixels: resized, cropped and normalised as the model's preprocessor_config.json says, in differentiable
/// operations. Unlike image files, values are neither rounded nor clamped between the steps.
/// </summary>
public sealed class ImagePreprocessing : IDisposable
{
    private const int PixelLevels = 255;
    private static readonly double[] ClipMean = [0.48145466, 0.4578275, 0.40821073];
    private static readonly double[] ClipDeviation = [0.26862954, 0.26130258, 0.27577711];
    private readonly Resize _resize;
    private readonly Steps _steps;

    private ImagePreprocessing(Steps steps)
    {
        _steps = steps;
        _resize = new Resize(steps.Filter);
    }

    /// <summary>The size of the pixels, or null when it depends on the picture.</summary>
    public (long Height, long Width)? Size => _steps.Crop ?? _steps.Exact;

    /// <summary>Reads preprocessor_config.json of a model folder; where there is none, the steps are those of the published CLIP models.</summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="imageSize">The tower's image size, for a folder without the file.</param>
    /// <returns>The preprocessing, or <see cref="FaultCodes.WrongModelClass"/> with the field that is wrong or not known.</returns>
    public static Result<ImagePreprocessing> Load(string folder, long imageSize)
    {
        var path = Path.Combine(folder, "preprocessor_config.json");
        var steps = File.Exists(path) ? ConfigFields.Read(path, Read) : Published(imageSize);
        return steps.Map(static known => new ImagePreprocessing(known));
    }

    /// <summary>Pictures [B, 3, H, W] in 0..1 to normalised pixels [B, 3, S, S], in float32 (float64 when they are).</summary>
    public Tensor Forward(Tensor images)
    {
        ArgumentNullException.ThrowIfNull(images);
        var pixels = images.dtype == float64 ? images : images.to(float32);
        var (rows, columns) = (pixels.shape[^2], pixels.shape[^1]);
        if (_steps.Exact is var (height, width)) pixels = _resize.Forward(pixels, height, width);
        else if (_steps.ShortestEdge is { } edge)
        {
            // The longer side is cut to a whole number, not rounded.
            var (shorter, longer) = (Math.Min(rows, columns), edge * Math.Max(rows, columns) / Math.Min(rows, columns));
            pixels = shorter == rows ? _resize.Forward(pixels, edge, longer) : _resize.Forward(pixels, longer, edge);
        }
        if (_steps.Crop is { } crop) pixels = Centre(pixels, crop);
        return (pixels * Channels(_steps.Scale, pixels)) + Channels(_steps.Shift, pixels);
    }

    /// <summary>Frees the resizing matrices.</summary>
    public void Dispose() => _resize.Dispose();

    private static Tensor Channels(double[] values, Tensor like) => tensor(values, [values.Length, 1, 1], dtype: float64).to(like.dtype).to(like.device);

    // Padding by a negative amount crops; a picture smaller than the crop gets zeros around it.
    private static Tensor Centre(Tensor pixels, (long Height, long Width) crop)
    {
        var (top, left) = (Before(pixels.shape[^2], crop.Height), Before(pixels.shape[^1], crop.Width));
        var (bottom, right) = (crop.Height - pixels.shape[^2] - top, crop.Width - pixels.shape[^1] - left);
        return (top, left, bottom, right) == (0, 0, 0, 0) ? pixels : nn.functional.pad(pixels, [left, right, top, bottom]);
    }

    private static long Before(long size, long wanted) => -(long)Math.Floor((size - wanted) / 2.0);

    private static Steps Published(long imageSize) =>
        new(null, imageSize, ResizeFilter.Bicubic, (imageSize, imageSize)) { Scale = [.. ClipDeviation.Select(value => 1 / value)], Shift = Offsets(ClipMean, ClipDeviation) };

    private static double[] Offsets(IReadOnlyList<double> mean, IReadOnlyList<double> deviation) => [.. mean.Zip(deviation, (m, d) => -m / d)];

    private static Steps Read(ConfigFields fields)
    {
        const int publishedSize = 224;
        var resample = fields.Whole("resample", 3);
        fields.Require(resample is 2 or 3, "resample", $"is {resample}, but only 2 (bilinear) and 3 (bicubic) are known");
        var (exact, edge) = fields.Flag("do_resize", true) ? TargetSize(fields) : (null, null);
        (long, long)? crop = null;
        if (fields.Flag("do_center_crop", true)) crop = fields.IsSection("crop_size") ? Rectangle(fields.Section("crop_size")) : Square(fields.Size("crop_size", publishedSize));
        var factor = PixelLevels * (fields.Flag("do_rescale", true) ? fields.Number("rescale_factor", 1.0 / PixelLevels) : 1);
        var normalize = fields.Flag("do_normalize", true);
        var mean = normalize ? fields.Numbers("image_mean", ClipMean) : [0, 0, 0];
        var deviation = normalize ? fields.Numbers("image_std", ClipDeviation) : [1, 1, 1];
        fields.Require(deviation.All(value => value > 0), "image_std", "has to be positive");
        return new Steps(exact, edge, resample == 2 ? ResizeFilter.Bilinear : ResizeFilter.Bicubic, crop)
        {
            Scale = [.. deviation.Select(value => factor / value)],
            Shift = Offsets(mean, deviation),
        };

        static ((long, long)? Exact, long? Edge) TargetSize(ConfigFields fields)
        {
            // Older files have a number here.
            if (!fields.IsSection("size")) return (null, fields.Size("size", publishedSize));
            var size = fields.Section("size");
            return size.Size("shortest_edge", 0) is var edge and > 0 ? (null, edge) : (Rectangle(size), null);
        }
    }

    private static (long, long) Rectangle(ConfigFields size) => (size.Size("height"), size.Size("width"));

    private static (long, long) Square(long edge) => (edge, edge);

    private sealed record Steps((long Height, long Width)? Exact, long? ShortestEdge, ResizeFilter Filter, (long Height, long Width)? Crop)
    {
        public required double[] Scale { get; init; }

        public required double[] Shift { get; init; }
    }
}
