using LeapAlign.Networks.Flux;
using LeapAlign.Networks.Sd3;
using LeapAlign.Networks.Vae;
using LeapAlign.Networks.ZImage;

namespace LeapAlign.Networks.Formats;

/// <summary>Every file of other libraries that this library reads with a table of its fields.</summary>
public static class FileFormats
{
    /// <summary>All of them, in the order of documentation.</summary>
    public static IReadOnlyList<FileFormat> All { get; } =
    [
        Sd3Config.Format,
        FluxConfig.Format,
        ZImageConfig.Format,
        VaeConfig.Format,
        TextFormats.ClipText,
        TextFormats.T5,
        TextFormats.Qwen3,
        TextFormats.ClipModel,
        OpenClipFormats.Config,
        BlipFormats.Text,
        BlipFormats.Vision,
        BlipFormats.Words,
        PictureFormats.Processor,
        PictureFormats.ImageProcessor,
        TokenizerFormats.ClipConfig,
        TokenizerFormats.T5Config,
        TokenizerFormats.Qwen2Config,
        TokenizerFormats.SpecialTokensMap,
        TokenizerFormats.AddedTokenObject,
        TokenizerFormats.ClipWhole,
        TokenizerFormats.T5Whole,
        TokenizerFormats.Parts,
    ];
}
