using LeapAlign.Contracts.Estimators;
using LeapAlign.Networks.Images;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Clip;

/// <summary>
/// What a CLIP model does to a picture before it looks at it, as tensor operations with gradient: resize (antialiased, half-pixel centres), make a square of it,
/// normalise colours. Nothing is rounded to 8 bits or clamped, unless <see cref="EightBit"/> asks for it.
/// </summary>
public sealed record ClipImageProcessor
{
    /// <summary>What the picture's sides become, in pixels: <see cref="Fit"/> says which side.</summary>
    public required int Size { get; init; }

    /// <summary>How a picture of any form becomes a square.</summary>
    public required PictureFit Fit { get; init; }

    /// <summary>The side of the square, in pixels: the model's image size.</summary>
    public required int Crop { get; init; }

    /// <summary>Whether a middle that falls between two pixels begins at the even one, as torchvision cuts; otherwise at the first, as transformers does.</summary>
    public bool CutsAtEven { get; init; }

    /// <summary>
    /// Whether resizing rounds to 8 bits after each axis as the Python Imaging Library does, which published scores of files go through. The gradient is that of the
    /// same resizing without rounding.
    /// </summary>
    public bool EightBit { get; init; }

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

    /// <summary>What published CLIP models do, for pictures of a size: the shorter side in bicubic, the middle, CLIP's colours.</summary>
    /// <param name="size">The side of the model's pictures, in pixels.</param>
    public static ClipImageProcessor Published(int size) => new()
    {
        Size = size,
        Crop = size,
        Fit = PictureFit.Cover,
        Filter = ResizeFilter.Bicubic,
        Factor = 1,
        Mean = ClipPictureFile.PublishedMean,
        Deviation = ClipPictureFile.PublishedDeviation,
    };

    /// <summary>The same with a way of resizing.</summary>
    public ClipImageProcessor ResizedBy(PictureResize resize) => this with { EightBit = resize == PictureResize.Pil };

    /// <summary>Prepares pictures.</summary>
    /// <param name="images">[B, 3, H, W] in [0, 1], of any size.</param>
    /// <returns>[B, 3, S, S] with S the model's image size, normalised.</returns>
    public Tensor Prepare(Tensor images)
    {
        ArgumentNullException.ThrowIfNull(images);
        using var scope = NewDisposeScope();
        var (height, width) = Target(images.shape[2], images.shape[3]);
        var resized = Resized(images, height, width);
        var square = Fit == PictureFit.Contain ? Padded(resized) : resized.narrow(2, Middle(height), Crop).narrow(3, Middle(width), Crop);
        // (f x - m) / d as one product and one difference.
        var slope = Colours([.. Deviation.Select(deviation => Factor / deviation)], images);
        var offset = Colours([.. Mean.Zip(Deviation, static (mean, deviation) => mean / deviation)], images);
        return ((square * slope) - offset).MoveToOuterDisposeScope();
    }

    private (long Height, long Width) Target(long height, long width) => Fit switch
    {
        PictureFit.Stretch => (Size, Size),
        // The longer side is truncated, as the reference does.
        PictureFit.Cover => height <= width ? (Size, Size * width / height) : (Size * height / width, Size),
        _ => (Shrunk(height, Math.Max(height, width)), Shrunk(width, Math.Max(height, width))),
    };

    // Halves go to the even number, as the reference rounds.
    private long Shrunk(long side, long longer) => Math.Max(1, (long)Math.Round(side * (Size / (double)longer), MidpointRounding.ToEven));

    private Tensor Resized(Tensor images, long height, long width)
    {
        var smooth = height == images.shape[2] && width == images.shape[3] ? images : Resize.Apply(images, height, width, Filter);
        return EightBit ? HardUnits.StraightThrough(Resize.InBytes(images, height, width, Filter), smooth) : smooth;
    }

    // Black where the picture is not, before colours are normalised; the odd pixel is on the right and below.
    private Tensor Padded(Tensor images)
    {
        var (below, right) = (Crop - images.shape[2], Crop - images.shape[3]);
        return nn.functional.pad(images, [right / 2, right - (right / 2), below / 2, below - (below / 2)]);
    }

    private long Middle(long side) => CutsAtEven ? (long)Math.Round((side - Crop) / 2.0, MidpointRounding.ToEven) : (side - Crop) / 2;

    private static Tensor Colours(double[] values, Tensor like) => tensor(values, dtype: like.dtype, device: like.device).view(1, -1, 1, 1);
}

/// <summary>How a picture of any form becomes a square.</summary>
public enum PictureFit
{
    /// <summary>The shorter side gets the size, and the middle is cut out.</summary>
    Cover,

    /// <summary>The longer side gets the size, and the rest of the square is black.</summary>
    Contain,

    /// <summary>Both sides get the size, whatever the form was.</summary>
    Stretch,
}
