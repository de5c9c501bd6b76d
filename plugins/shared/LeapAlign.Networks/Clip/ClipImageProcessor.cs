using LeapAlign.Networks.Images;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Clip;

/// <summary>
/// What a CLIP model does to a picture before it looks at it, as tensor operations with gradient: resize (antialiased, half-pixel centres), cut out the
/// middle, normalise colours. Nothing is rounded to 8 bits or clamped.
/// </summary>
public sealed record ClipImageProcessor
{
    /// <summary>What the picture's sides become: its shorter side, or both when <see cref="KeepsAspect"/> is false; pixels.</summary>
    public required int Size { get; init; }

    /// <summary>Whether the longer side keeps its proportion; otherwise both sides become <see cref="Size"/>.</summary>
    public required bool KeepsAspect { get; init; }

    /// <summary>The side of the square that is cut out of the middle, in pixels: the model's image size.</summary>
    public required int Crop { get; init; }

    /// <summary>How pixels are weighed when resizing.</summary>
    public required ResizeFilter Filter { get; init; }

    /// <summary>Multiplies pixels in [0, 1] before normalisation; 1 but for unusual files.</summary>
    public required double Factor { get; init; }

    /// <summary>Subtracted from each colour.</summary>
    public required IReadOnlyList<double> Mean { get; init; }

    /// <summary>Divides each colour.</summary>
    public required IReadOnlyList<double> Deviation { get; init; }

    /// <summary>Reads what a model folder says about pictures; see <see cref="ClipPictureFile"/>.</summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="model">The image tower that the pictures are for.</param>
    /// <returns>A fault when no file says it, or one asks for something else than this, or for pictures of another size than the model's.</returns>
    public static Result<ClipImageProcessor> Read(string folder, ClipVisionConfig model) => Read(folder, model, null);

    /// <param name="folder">The model folder.</param>
    /// <param name="model">The image tower that the pictures are for.</param>
    /// <param name="warn">Is told keys that the library does not know.</param>
    /// <inheritdoc cref="Read(string, ClipVisionConfig)"/>
    public static Result<ClipImageProcessor> Read(string folder, ClipVisionConfig model, Action<Fault>? warn)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(model);
        return ClipPictureFile.Read(folder, model.ImageSize, warn);
    }

    /// <summary>Prepares pictures.</summary>
    /// <param name="images">[B, 3, H, W] in [0, 1], of any size.</param>
    /// <returns>[B, 3, S, S] with S the model's image size, normalised.</returns>
    public Tensor Prepare(Tensor images)
    {
        ArgumentNullException.ThrowIfNull(images);
        using var scope = NewDisposeScope();
        var (height, width) = Target(images.shape[2], images.shape[3]);
        var resized = height == images.shape[2] && width == images.shape[3] ? images : Resize.Apply(images, height, width, Filter);
        var middle = resized.narrow(2, (height - Crop) / 2, Crop).narrow(3, (width - Crop) / 2, Crop);
        // (f x - m) / d as one product and one difference.
        var slope = Colours([.. Deviation.Select(deviation => Factor / deviation)], images);
        var offset = Colours([.. Mean.Zip(Deviation, static (mean, deviation) => mean / deviation)], images);
        return ((middle * slope) - offset).MoveToOuterDisposeScope();
    }

    private (long Height, long Width) Target(long height, long width)
    {
        if (!KeepsAspect) return (Size, Size);
        // The longer side is truncated, as the reference does.
        return height <= width ? (Size, Size * width / height) : (Size * height / width, Size);
    }

    private static Tensor Colours(double[] values, Tensor like) => tensor(values, dtype: like.dtype, device: like.device).view(1, -1, 1, 1);
}
