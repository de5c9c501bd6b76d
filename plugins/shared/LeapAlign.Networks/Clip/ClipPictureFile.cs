using System.Text.Json;
using LeapAlign.Networks.Configuration;
using LeapAlign.Networks.Formats;
using LeapAlign.Networks.Images;
using LeapAlign.Pipeline;

namespace LeapAlign.Networks.Clip;

/// <summary>
/// The file that says what a CLIP model does to a picture: <c>image_processor</c> of processor_config.json, as transformers 5 writes it, or else
/// preprocessor_config.json. Fields that are absent have the defaults of the library, which are those of published CLIP models. Null is not absent: the library takes a
/// switch that is null for false, and fails on a value that is null where it needs it; both are refused.
/// </summary>
internal static class ClipPictureFile
{
    private const string Section = "image_processor";
    private const int PublishedSize = 224;
    private const double ByteRange = 255;
    internal static readonly double[] PublishedMean = [0.48145466, 0.4578275, 0.40821073];
    internal static readonly double[] PublishedDeviation = [0.26862954, 0.26130258, 0.27577711];

    /// <summary>Reads the file of a folder, for a model that takes pictures of a size.</summary>
    public static Result<ClipImageProcessor> Read(string folder, int imageSize, Action<Fault>? warn)
    {
        var (whole, alone) = (Path.Combine(folder, PictureFormats.Processor.File), Path.Combine(folder, PictureFormats.ImageProcessor.File));
        if (File.Exists(whole))
        {
            var read = ConfigFields.Read(whole, fields => fields.Has(Section) ? From(fields.Section(Section), imageSize) : null, PictureFormats.Processor, warn);
            if (!read.TryGet(out var processor, out var fault)) return fault;
            if (processor is not null) return processor;
        }
        if (File.Exists(alone)) return ConfigFields.Read(alone, fields => From(fields, imageSize), PictureFormats.ImageProcessor, warn);
        var message = $"nothing says how pictures are prepared: {PictureFormats.Processor.File} with '{Section}', or {PictureFormats.ImageProcessor.File}, has to be there";
        return new Fault.Input(FaultCodes.ModelNotFound, message, new SourcePlace(folder));
    }

    private static ClipImageProcessor From(ConfigFields fields, int imageSize)
    {
        const string resize = "do_resize";
        const string crop = "do_center_crop";
        RequireKnown(fields);
        fields.NotNull(resize, crop, "do_rescale", "do_normalize", "size", "resample");
        fields.Require(fields.Flag(resize, true), resize, "is false, but pictures of every size have to be scored");
        var (height, width, keepsAspect) = Extent(fields, "size", toSquare: fields.Flag("default_to_square", false));
        fields.Require(height == width, "size", $"is {height} x {width}, but has to be a square");
        var crops = fields.Flag(crop, true);
        fields.Require(crops || !keepsAspect, crop, "is false, but pictures that are not square have to be scored");
        if (crops) fields.NotNull("crop_size");
        var (cropHeight, cropWidth, edge) = crops ? Extent(fields, "crop_size", toSquare: true) : (height, width, false);
        fields.Require(!edge, "crop_size", "names an edge, but has to be height and width");
        fields.Require(cropHeight == imageSize && cropWidth == imageSize, crops ? "crop_size" : "size", $"is {cropHeight} x {cropWidth}, but the model takes {imageSize} x {imageSize}");
        fields.Require(height >= imageSize, "size", $"is {height}, which is less than the {imageSize} that are cut out");
        var rescales = fields.Flag("do_rescale", true);
        var normalises = fields.Flag("do_normalize", true);
        if (rescales) fields.NotNull("rescale_factor");
        if (normalises) fields.NotNull("image_mean", "image_std");
        var factor = fields.Number("rescale_factor", 1 / ByteRange);
        var (mean, deviation) = (Colours(fields, "image_mean", PublishedMean), Colours(fields, "image_std", PublishedDeviation));
        fields.Require(deviation.All(static number => number > 0), "image_std", "has to be positive");
        return new ClipImageProcessor
        {
            Size = height,
            Fit = keepsAspect ? PictureFit.Cover : PictureFit.Stretch,
            Crop = imageSize,
            Filter = FilterOf(fields),
            Factor = ByteRange * (rescales ? factor : 1),
            Mean = normalises ? mean : [0, 0, 0],
            Deviation = normalises ? deviation : [1, 1, 1],
        };
    }

    private static void RequireKnown(ConfigFields fields)
    {
        fields.Word("image_processor_type", "CLIPImageProcessor", "CLIPImageProcessorFast", "CLIPImageProcessorPil");
        fields.Word("feature_extractor_type", "CLIPFeatureExtractor");
        fields.Word("data_format", "channels_first");
        fields.Word("input_data_format", "channels_first");
        foreach (var key in (string[])["do_pad", "use_square_size"]) fields.Require(!fields.Flag(key, false), key, "is true, but only false is known");
    }

    /// <summary>A size in one of its forms: 224, [224, 224], {"shortest_edge": 224}, {"height": 224, "width": 224}.</summary>
    private static (int Height, int Width, bool KeepsAspect) Extent(ConfigFields fields, string key, bool toSquare)
    {
        if (fields.IsList(key))
        {
            var sides = fields.Sizes(key);
            fields.Require(sides.Count == 2, key, $"has {sides.Count} numbers, but has to be height and width");
            return (sides[0], sides[^1], false);
        }
        if (!fields.IsSection(key))
        {
            // What is absent is an edge for the size and a square for the cut, whatever a number would mean.
            var side = fields.Size(key, PublishedSize);
            return (side, side, fields.Has(key) ? !toSquare : key == "size");
        }
        var section = fields.Section(key);
        var keys = section.Properties.Where(static field => field.Value.ValueKind != JsonValueKind.Null).Select(static field => field.Name).Order(StringComparer.Ordinal).ToArray();
        if (keys is ["height", "width"]) return (section.Size("height"), section.Size("width"), false);
        fields.Require(keys is ["shortest_edge"], key, $"has the keys {string.Join(", ", keys)}, but has to have shortest_edge, or height and width");
        var edge = section.Size("shortest_edge", PublishedSize);
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

    /// <summary>One number for each colour, or one for all.</summary>
    internal static IReadOnlyList<double> Colours(ConfigFields fields, string key, double[] absent)
    {
        if (!fields.Has(key) || fields.IsList(key)) return fields.Numbers(key, absent);
        var number = fields.Number(key, 1);
        return [number, number, number];
    }
}
