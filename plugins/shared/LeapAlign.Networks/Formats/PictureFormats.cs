using static LeapAlign.Networks.Formats.FileField;
using static LeapAlign.Networks.Formats.TransformersFields;

namespace LeapAlign.Networks.Formats;

/// <summary>What a CLIP reward's folder says about pictures.</summary>
public static class PictureFormats
{
    private const string Call = "of a call of the library, not of what it computes";

    private static readonly FileField[] Fields =
    [
        RefusedUnless("image_processor_type", "CLIPImageProcessor, CLIPImageProcessorFast, CLIPImageProcessorPil, or absent"),
        RefusedUnless("feature_extractor_type", "CLIPFeatureExtractor, or absent; an older name of image_processor_type"),
        RefusedUnless("do_resize", "true, the default"),
        RefusedUnless("size", "an object as below, a number or a list of two; shortest_edge 224 when absent"),
        Honoured("size.shortest_edge", "the shorter side in pixels; the longer keeps its proportion"),
        RefusedUnless("size.height", "with width, equal to it"),
        RefusedUnless("size.width", "with height, equal to it"),
        .. Refused("absent: pictures of every form have to become squares", "size.longest_edge", "size.max_height", "size.max_width", "size.min_pixels", "size.max_pixels"),
        Honoured("default_to_square", "whether a size that is one number is that of both sides; false when absent"),
        RefusedUnless("resample", "2 (bilinear), 3 (bicubic, the default)"),
        Honoured("do_center_crop", "whether the middle is cut out; true when absent, and it has to be where a resized picture need not be square"),
        RefusedUnless("crop_size", "an object as below, a number or a list of two; 224 when absent"),
        .. Refused("the side of the model's pictures", "crop_size.height", "crop_size.width"),
        .. Refused("absent", "crop_size.shortest_edge", "crop_size.longest_edge", "crop_size.max_height", "crop_size.max_width", "crop_size.min_pixels", "crop_size.max_pixels"),
        Honoured("do_rescale", "whether pixels from 0 to 255 are multiplied by rescale_factor; true when absent"),
        Honoured("rescale_factor", "1/255 when absent"),
        Honoured("do_normalize", "whether image_mean is subtracted and image_std divides; true when absent"),
        Honoured("image_mean", "a number or one for each colour; those of published CLIP models when absent"),
        Honoured("image_std", "a number or one for each colour, more than 0; those of published CLIP models when absent"),
        RefusedUnless("do_pad", "false, or absent"),
        NoEffect("pad_size", "nothing is padded"),
        RefusedUnless("use_square_size", "false, or absent"),
        RefusedUnless("data_format", "channels_first, or absent"),
        RefusedUnless("input_data_format", "channels_first, or absent"),
        NoEffect("do_convert_rgb", "pictures have three colours already"),
        .. All(Call, "device", "disable_grouping", "image_seq_length", "return_tensors"),
        NoEffect("processor_class", "CLIPProcessor reads the file whatever it says"),
        NoEffect("_valid_processor_keys", "of older versions of the library, which reads it no more"),
    ];

    /// <summary>The older file, for the processor alone.</summary>
    public static FileFormat ImageProcessor { get; } = new("preprocessor_config.json", "transformers CLIPImageProcessor", Fields);

    /// <summary>The file that transformers 5 writes; its <c>image_processor</c> goes before the older file.</summary>
    public static FileFormat Processor { get; } = new("processor_config.json", "transformers CLIPProcessor", Once(
        [.. Within("image_processor", Fields),
         NoEffect("tokenizer", "the tokenizer's own files are read"),
         NoEffect("auto_map", "code in a model folder is never run"),
         NoEffect("chat_template", "of conversations"),
         NoEffect("processor_class", "CLIPProcessor reads the file whatever it says")]));

    private static IEnumerable<FileField> Refused(string supported, params string[] names) => names.Select(name => RefusedUnless(name, supported));
}
