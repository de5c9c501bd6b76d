using LeapAlign.Networks.Configuration;
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
    private const string FileName = "preprocessor_config.json";
    private const double ByteRange = 255;
    private static readonly double[] PublishedMean = [0.48145466, 0.4578275, 0.40821073];
    private static readonly double[] PublishedDeviation = [0.26862954, 0.26130258, 0.27577711];

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

    /// <summary>Reads preprocessor_config.json of a model folder; where there is none, what published CLIP models do.</summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="model">The image tower that the pictures are for.</param>
    /// <returns>A fault when the file asks for something else than this, or for pictures of another size than the model's.</returns>
    public static Result<ClipImageProcessor> Read(string folder, ClipVisionConfig model)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(model);
        var path = Path.Combine(folder, FileName);
        return File.Exists(path) ? ConfigFields.Read(path, fields => From(fields, model.ImageSize)) : Published(model.ImageSize);
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

    private static ClipImageProcessor Published(int size) => new()
    {
        Size = size,
        KeepsAspect = true,
        Crop = size,
        Filter = ResizeFilter.Bicubic,
        Factor = 1,
        Mean = PublishedMean,
        Deviation = PublishedDeviation,
    };

    private static ClipImageProcessor From(ConfigFields fields, int imageSize)
    {
        const string resize = "do_resize";
        const string crop = "do_center_crop";
        fields.Require(fields.Flag(resize, true), resize, "is false, but pictures of every size have to be scored");
        var (height, width, keepsAspect) = Extent(fields, "size", imageSize);
        fields.Require(height == width, "size", $"is {height} x {width}, but has to be a square");
        var crops = fields.Flag(crop, true);
        fields.Require(crops || !keepsAspect, crop, "is false, but pictures that are not square have to be scored");
        var (cropHeight, cropWidth, _) = crops ? Extent(fields, "crop_size", imageSize) : (height, width, false);
        fields.Require(cropHeight == imageSize && cropWidth == imageSize, crops ? "crop_size" : "size", $"is {cropHeight} x {cropWidth}, but the model takes {imageSize} x {imageSize}");
        fields.Require(height >= imageSize, "size", $"is {height}, which is less than the {imageSize} that are cut out");
        var rescales = fields.Flag("do_rescale", true);
        var normalises = fields.Flag("do_normalize", true);
        return Published(imageSize) with
        {
            Size = height,
            KeepsAspect = keepsAspect,
            Filter = FilterOf(fields),
            Factor = rescales ? ByteRange * fields.Number("rescale_factor", 1 / ByteRange) : ByteRange,
            Mean = normalises ? fields.Numbers("image_mean", PublishedMean) : [0, 0, 0],
            Deviation = normalises ? Positive(fields, "image_std") : [1, 1, 1],
        };
    }

    /// <summary>A size in one of its three forms: 224, {"shortest_edge": 224}, {"height": 224, "width": 224}.</summary>
    private static (int Height, int Width, bool KeepsAspect) Extent(ConfigFields fields, string key, int absent)
    {
        var section = fields.IsSection(key) ? fields.Section(key) : null;
        if (section?.Has("height") is true) return (section.Size("height"), section.Size("width"), false);
        var edge = section?.Size("shortest_edge", absent) ?? fields.Size(key, absent);
        return (edge, edge, true);
    }

    /// <summary>The numbers are those of the Python Imaging Library.</summary>
    private static ResizeFilter FilterOf(ConfigFields fields)
    {
        const string key = "resample";
        var number = fields.Whole(key, 3);
        fields.Require(number is 2 or 3, key, $"is {number}, but only 2 (bilinear) and 3 (bicubic) are known");
        return number == 2 ? ResizeFilter.Bilinear : ResizeFilter.Bicubic;
    }

    private static IReadOnlyList<double> Positive(ConfigFields fields, string key)
    {
        var numbers = fields.Numbers(key, PublishedDeviation);
        fields.Require(numbers.All(static number => number > 0), key, "has to be positive");
        return numbers;
    }
}
