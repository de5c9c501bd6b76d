using LeapAlign.Networks.Configuration;
using LeapAlign.Networks.Formats;
using LeapAlign.Networks.Images;
using LeapAlign.Networks.Layers;
using LeapAlign.Pipeline;

namespace LeapAlign.Networks.Clip;

/// <summary>open_clip_config.json: a CLIP model and what it does to pictures; fields that are absent have the defaults of open_clip.</summary>
public sealed record OpenClipConfig
{
    /// <summary>The file's name in a model folder.</summary>
    public const string File = "open_clip_config.json";

    // Texts are pooled at the largest id, as open_clip does, whatever the vocabulary.
    private const long LargestId = 2;
    private const double Epsilon = 1e-5;

    /// <summary>The model.</summary>
    public required ClipConfig Model { get; init; }

    /// <summary>What it does to pictures.</summary>
    public required ClipImageProcessor Pictures { get; init; }

    /// <summary>Reads the file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="warn">Is told keys that the library does not know.</param>
    /// <returns>A fault when the file is absent, malformed or describes a model that is not known.</returns>
    public static Result<OpenClipConfig> Read(string path, Action<Fault>? warn = null) => ConfigFields.Read(path, From, OpenClipFormats.Config, warn);

    private static OpenClipConfig From(ConfigFields fields)
    {
        var model = fields.Section("model_cfg");
        fields.Require(fields.IsSection("model_cfg"), "model_cfg", "is missing");
        model.NotNull("embed_dim", "vision_cfg", "text_cfg", "quick_gelu");
        foreach (var key in (string[])["init_logit_bias", "multimodal_cfg"]) model.Absent(key);
        Off(model, "custom_text");
        Known(model, OpenClipFormats.Model);
        var projection = model.Size("embed_dim");
        var quick = model.Flag("quick_gelu", false);
        var vision = Vision(model.Section("vision_cfg"), projection, quick);
        return new OpenClipConfig
        {
            Model = new ClipConfig { Text = Text(model.Section("text_cfg"), projection, quick), Vision = vision },
            Pictures = PicturesOf(fields.Section("preprocess_cfg"), vision.ImageSize),
        };
    }

    private static ClipVisionConfig Vision(ConfigFields fields, int projection, bool quick)
    {
        fields.NotNull("image_size", "layers", "width", "head_width", "mlp_ratio", "patch_size");
        Plain(fields, OpenClipFormats.Vision);
        fields.Absent("timm_model_name");
        Off(fields, "timm_model_pretrained");
        Off(fields, "attentional_pool", "no_ln_pre", "final_ln_after_pool");
        fields.Word("pos_embed_type", "learnable");
        fields.Word("pool_type", "tok");
        var (width, head) = (fields.Size("width", 768), fields.Size("head_width", 64));
        fields.Require(width % head == 0, "head_width", $"is {head}, but has to divide the width {width}");
        var config = new ClipVisionConfig
        {
            Transformer = Transformer(fields, width, Math.Max(1, width / head), quick),
            ImageSize = fields.Size("image_size", 224),
            PatchSize = fields.Size("patch_size", 16),
            Channels = 3,
            Projection = projection,
        };
        fields.Require(config.PatchSize <= config.ImageSize, "patch_size", $"is {config.PatchSize}, but the image is only {config.ImageSize} wide");
        return config;
    }

    private static ClipTextConfig Text(ConfigFields fields, int projection, bool quick)
    {
        fields.NotNull("context_length", "vocab_size", "width", "heads", "layers", "mlp_ratio");
        Plain(fields, OpenClipFormats.Text);
        foreach (var key in (string[])["hf_model_name", "hf_tokenizer_name", "tokenizer_kwargs"]) fields.Absent(key);
        Off(fields, "embed_cls", "no_causal_mask", "final_ln_after_pool", "proj_bias");
        fields.Word("pool_type", "argmax");
        fields.Word("proj_type", "linear");
        var (width, heads) = (fields.Size("width", 512), fields.Size("heads", 8));
        fields.Require(width % heads == 0, "heads", $"is {heads}, but has to divide the width {width}");
        return new ClipTextConfig
        {
            Transformer = Transformer(fields, width, heads, quick),
            Vocabulary = fields.Size("vocab_size", 49408),
            Positions = fields.Size("context_length", 77),
            EndToken = LargestId,
            Projection = projection,
        };
    }

    private static ClipTransformerConfig Transformer(ConfigFields fields, int width, int heads, bool quick)
    {
        var ratio = fields.Number("mlp_ratio", 4);
        fields.Require(width * ratio >= 1, "mlp_ratio", "leaves nothing inside the MLP");
        return new ClipTransformerConfig
        {
            Width = width,
            Layers = fields.Size("layers", 12),
            Heads = heads,
            Intermediate = Math.Max(1, (int)(width * ratio)),
            Activation = quick ? Activation.QuickGelu : Activation.GeluErf,
            Epsilon = Epsilon,
        };
    }

    private static void Plain(ConfigFields fields, FileField[] declared)
    {
        Known(fields, declared);
        foreach (var key in (string[])["ls_init_value", "act_kwargs", "norm_kwargs"]) fields.Absent(key);
        fields.Word("block_type", "default");
        Off(fields, "qk_norm", "scaled_cosine_attn", "scale_heads", "scale_attn_inner", "scale_attn", "scale_fc");
    }

    // The library hands the keys to a constructor, which takes no other.
    private static void Known(ConfigFields fields, FileField[] declared)
    {
        foreach (var field in fields.Properties.Where(field => !declared.Any(known => known.Name == field.Name || known.Name.StartsWith($"{field.Name}.", StringComparison.Ordinal))))
            fields.Require(false, field.Name, "is not known, and open_clip refuses a file that has it");
    }

    private static void Off(ConfigFields fields, params string[] keys)
    {
        foreach (var key in keys) fields.Require(!fields.Flag(key, false), key, "is true, but only false is known");
    }

    private static ClipImageProcessor PicturesOf(ConfigFields fields, int imageSize)
    {
        fields.Word("mode", "RGB");
        if (fields.Has("size"))
        {
            int[] sides = fields.IsList("size") ? [.. fields.Sizes("size")] : [fields.Size("size")];
            fields.Require(sides.All(side => side == imageSize), "size", $"is {string.Join(" x ", sides)}, but the model takes {imageSize} x {imageSize}");
        }
        fields.Require(fields.Number("fill_color", 0) == 0, "fill_color", "is not 0, but only black is known");
        var deviation = ClipPictureFile.Colours(fields, "std", ClipPictureFile.PublishedDeviation);
        fields.Require(deviation.All(static number => number > 0), "std", "has to be positive");
        return new ClipImageProcessor
        {
            Size = imageSize,
            Crop = imageSize,
            Fit = fields.Word("resize_mode", "shortest", "longest", "squash") switch { "longest" => PictureFit.Contain, "squash" => PictureFit.Stretch, _ => PictureFit.Cover },
            CutsAtEven = true,
            Filter = fields.Word("interpolation", "bicubic", "bilinear", "random") == "bilinear" ? ResizeFilter.Bilinear : ResizeFilter.Bicubic,
            Factor = 1,
            Mean = ClipPictureFile.Colours(fields, "mean", ClipPictureFile.PublishedMean),
            Deviation = deviation,
        };
    }
}
