using LeapAlign.Networks.Configuration;
using LeapAlign.Networks.Formats;
using LeapAlign.Pipeline;
using static LeapAlign.Networks.Formats.FileField;

namespace LeapAlign.Networks.ZImage;

/// <summary>The architecture of a Z-Image transformer, as the config.json of diffusers' <c>ZImageTransformer2DModel</c> gives it; absent fields have diffusers' defaults.</summary>
public sealed record ZImageConfig
{
    /// <summary>The numbers of a token's place: that of the caption, or of the picture behind it, a row and a column.</summary>
    public const int Axes = 3;

    private const string ClassName = "ZImageTransformer2DModel";
    private const string PatchKey = "all_patch_size";
    private const string FramesKey = "all_f_patch_size";
    private const string RotaryKey = "axes_dims";
    private const string PlacesKey = "axes_lens";
    private const int MostConditioning = 256;
    private static readonly int[] s_patches = [2], s_frames = [1], s_rotaryWidths = [32, 48, 48], s_places = [1024, 512, 512];

    /// <summary>The fields of its config.json.</summary>
    public static FileFormat Format { get; } = new("transformer/config.json", $"diffusers {ClassName}",
    [
        RefusedUnless("_class_name", ClassName),
        Honoured(FileFormat.DefaultsKey, "the keys listed count as absent"),
        RefusedUnless("quantization_config", "null or absent: quantised weights are not read"),
        RefusedUnless(PatchKey, "[2]: latents are cut into tokens of 2 x 2"),
        RefusedUnless(FramesKey, "[1]: a picture is one frame"),
        RefusedUnless("siglip_feat_dim", "null: pictures as prompts (the omni model) are not supported"),
        Honoured("in_channels", "channels of the latents and of the velocity"),
        Honoured("dim", "width"),
        Honoured("n_layers", "blocks that picture and caption share, at least one"),
        Honoured("n_refiner_layers", "blocks of the picture alone, and as many of the caption alone; 0 for none"),
        Honoured("n_heads", "heads; they have to divide dim"),
        NoEffect("n_kv_heads", "every head has keys and values of its own"),
        Honoured("norm_eps", "epsilon of the blocks' norms and of the caption's"),
        Honoured("qk_norm", "whether queries and keys are normalised"),
        Honoured("cap_feat_dim", "the width of the caption's features"),
        Honoured("rope_theta", "the base of the angles by which heads turn"),
        Honoured("t_scale", "what times are multiplied by before they are encoded"),
        Honoured(RotaryKey, "the parts of a head that turn with each number of a token's place: three even numbers that add up to the width of a head"),
        Honoured(PlacesKey, "how many places each number has: of caption and picture together, of rows, of columns"),
    ])
    { IsOfDiffusers = true };

    /// <summary>The width of the network (<c>dim</c>).</summary>
    public required int Width { get; init; }

    /// <summary>Attention heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Blocks that picture and caption share (<c>n_layers</c>).</summary>
    public required int Layers { get; init; }

    /// <summary>Blocks of the picture alone, and as many of the caption alone (<c>n_refiner_layers</c>).</summary>
    public required int RefinerLayers { get; init; }

    /// <summary>Channels of the latents.</summary>
    public required int Channels { get; init; }

    /// <summary>The width of the caption's features (<c>cap_feat_dim</c>).</summary>
    public required int CaptionWidth { get; init; }

    /// <summary>Epsilon of the blocks' norms.</summary>
    public required double Epsilon { get; init; }

    /// <summary>Whether queries and keys are normalised per head.</summary>
    public required bool NormalisesHeads { get; init; }

    /// <summary>The base of the angles (<c>rope_theta</c>).</summary>
    public required double RotaryBase { get; init; }

    /// <summary>What times are multiplied by before they are encoded (<c>t_scale</c>).</summary>
    public required double TimeScale { get; init; }

    /// <summary>How much of a head's width turns with each number of a token's place (<c>axes_dims</c>).</summary>
    public required IReadOnlyList<int> RotaryWidths { get; init; }

    /// <summary>How many places each number has (<c>axes_lens</c>).</summary>
    public required IReadOnlyList<int> Places { get; init; }

    /// <summary>The width of what steers the blocks.</summary>
    public int ConditioningWidth => Math.Min(Width, MostConditioning);

    /// <summary>Reads a config.json.</summary>
    /// <param name="path">The config.json.</param>
    /// <param name="warn">Is told keys that are not known.</param>
    /// <returns>A fault when the file is absent or describes another class, or when a field is not what this class can be built with.</returns>
    public static Result<ZImageConfig> Read(string path, Action<Fault>? warn = null) => ConfigFields.Read(path, ClassName, Read, Format, warn);

    private static ZImageConfig Read(ConfigFields fields)
    {
        RequireOne(fields, PatchKey, s_patches);
        RequireOne(fields, FramesKey, s_frames);
        fields.Absent("quantization_config");
        fields.Require(!fields.Has("siglip_feat_dim"), "siglip_feat_dim", "is set, but pictures as prompts (the omni model) are not supported");
        var refiners = fields.Whole("n_refiner_layers", absent: 2);
        fields.Require(refiners is >= 0 and <= int.MaxValue, "n_refiner_layers", $"is {refiners}, but has to be 0 or more");
        var config = new ZImageConfig
        {
            Width = fields.Size("dim", absent: 3840),
            Heads = fields.Size("n_heads", absent: 30),
            Layers = fields.Size("n_layers", absent: 30),
            RefinerLayers = (int)refiners,
            Channels = fields.Size("in_channels", absent: 16),
            CaptionWidth = fields.Size("cap_feat_dim", absent: 2560),
            Epsilon = fields.Number("norm_eps", absent: 1e-5),
            NormalisesHeads = fields.Flag("qk_norm", absent: true),
            RotaryBase = fields.Number("rope_theta", absent: 256),
            TimeScale = fields.Number("t_scale", absent: 1000),
            RotaryWidths = fields.Sizes(RotaryKey, absent: s_rotaryWidths),
            Places = fields.Sizes(PlacesKey, absent: s_places),
        };
        var (widths, head) = (config.RotaryWidths, config.Width / config.Heads);
        fields.Require(config.Width % config.Heads == 0, "n_heads", $"is {config.Heads}, which does not divide dim = {config.Width}");
        var fits = widths.Count == Axes && widths.All(static width => width % 2 == 0) && widths.Sum(static width => (long)width) == head;
        fields.Require(fits, RotaryKey, $"is [{string.Join(", ", widths)}], but has to be {Axes} even numbers that add up to dim / n_heads = {head}");
        fields.Require(config.Places.Count == Axes, PlacesKey, $"is [{string.Join(", ", config.Places)}], but has to be {Axes} numbers");
        fields.Require(config.RotaryBase > 0, "rope_theta", "has to be above 0");
        return config;
    }

    private static void RequireOne(ConfigFields fields, string key, int[] only)
    {
        var sizes = fields.Sizes(key, absent: only);
        fields.Require(sizes.SequenceEqual(only), key, $"is [{string.Join(", ", sizes)}], but has to be [{only[0]}]");
    }
}
