using static LeapAlign.Networks.Formats.FileField;
using static LeapAlign.Networks.Formats.TransformersFields;

namespace LeapAlign.Networks.Formats;

/// <summary>What a folder of open_clip says about its model and about pictures.</summary>
public static class OpenClipFormats
{
    private const string Dropping = "of training; these networks are frozen";
    private const string Timm = "absent: an image tower of open_clip's own";
    private const string Hugging = "absent: a text tower and a tokenizer of open_clip's own";
    private const string Plain = "false, or absent: blocks as published CLIP models have them";

    // The library's other attention, which has further tensors or other scales.
    private static readonly FileField[] Blocks =
    [
        RefusedUnless("block_type", "default, or absent"),
        .. Refused(Plain, "qk_norm", "scaled_cosine_attn", "scale_heads", "scale_attn_inner", "scale_attn", "scale_fc"),
    ];

    /// <summary>Of <c>vision_cfg</c>.</summary>
    internal static readonly FileField[] Vision =
    [
        Honoured("image_size", "side of the picture in pixels, one number; 224 when absent"),
        Honoured("layers", "layers, one number (a list is a ResNet); 12 when absent"),
        Honoured("width", "width; 768 when absent"),
        Honoured("head_width", "width of a head, which divides the width; 64 when absent"),
        Honoured("mlp_ratio", "width inside the MLP over the width; 4 when absent"),
        Honoured("patch_size", "side of a patch in pixels, one number; 16 when absent"),
        NoEffect("patch_dropout", Dropping),
        RefusedUnless("ls_init_value", "absent: no scale of layers"),
        RefusedUnless("attentional_pool", Plain),
        .. All("of attentional pooling, which is refused", "attn_pooler_queries", "attn_pooler_heads"),
        RefusedUnless("no_ln_pre", Plain),
        RefusedUnless("pos_embed_type", "learnable, or absent"),
        RefusedUnless("final_ln_after_pool", Plain),
        RefusedUnless("pool_type", "tok, or absent"),
        NoEffect("output_tokens", "the form in which the library hands over results"),
        RefusedUnless("act_kwargs", "absent"),
        RefusedUnless("norm_kwargs", "absent"),
        .. Blocks,
        .. Refused(Timm, "timm_model_name", "timm_model_pretrained"),
        .. All("of other image towers, which are refused", "timm_pool", "timm_proj", "timm_proj_bias", "timm_drop", "timm_drop_path"),
    ];

    /// <summary>Of <c>text_cfg</c>.</summary>
    internal static readonly FileField[] Text =
    [
        Honoured("context_length", "the longest sequence; 77 when absent"),
        Honoured("vocab_size", "rows of the token table; 49408 when absent"),
        Honoured("width", "width; 512 when absent"),
        Honoured("heads", "heads, which divide the width; 8 when absent"),
        Honoured("layers", "layers; 12 when absent"),
        Honoured("mlp_ratio", "width inside the MLP over the width; 4 when absent"),
        RefusedUnless("ls_init_value", "absent: no scale of layers"),
        RefusedUnless("embed_cls", Plain),
        .. All("read by other kinds of pooling, which are refused", "pad_id", "eos_id"),
        RefusedUnless("no_causal_mask", "false, or absent: positions do not see later ones"),
        RefusedUnless("final_ln_after_pool", Plain),
        RefusedUnless("pool_type", "argmax, or absent"),
        RefusedUnless("proj_bias", Plain),
        RefusedUnless("proj_type", "linear, or absent"),
        NoEffect("output_tokens", "the form in which the library hands over results"),
        RefusedUnless("act_kwargs", "absent"),
        RefusedUnless("norm_kwargs", "absent"),
        .. Blocks,
        .. Refused(Hugging, "hf_model_name", "hf_tokenizer_name", "tokenizer_kwargs"),
        .. All("of other text towers, which are refused", "hf_model_pretrained", "hf_proj_type", "hf_pooler_type", "tokenizer_mode"),
    ];

    /// <summary>Of <c>model_cfg</c>.</summary>
    internal static readonly FileField[] Model =
    [
        Honoured("embed_dim", "width of the features of both towers"),
        Honoured("quick_gelu", "whether the activation of both towers is quick_gelu; false when absent, which is gelu"),
        .. All("the file of weights has the scale", "init_logit_scale", "nonscalar_logit_scale"),
        RefusedUnless("init_logit_bias", "absent: scores without a bias"),
        RefusedUnless("custom_text", "false, or absent"),
        RefusedUnless("multimodal_cfg", "absent"),
        NoEffect("cast_dtype", "settings decide the precision"),
        NoEffect("output_dict", "the form in which the library hands over results"),
        .. Within("vision_cfg", Vision),
        .. Within("text_cfg", Text),
    ];

    private static readonly FileField[] Pictures =
    [
        RefusedUnless("size", "the side of the model's pictures, or absent"),
        RefusedUnless("mode", "RGB, or absent"),
        Honoured("mean", "a number or one for each colour; those of published CLIP models when absent"),
        Honoured("std", "a number or one for each colour, more than 0; those of published CLIP models when absent"),
        Honoured("interpolation", "bicubic, bilinear; random is bicubic outside training, as in the library. Bicubic when absent"),
        Honoured("resize_mode", "shortest: the shorter side, and the middle is cut out; longest: the longer side, and the rest is black; squash: both. Shortest when absent"),
        RefusedUnless("fill_color", "0, or absent"),
    ];

    /// <summary>open_clip_config.json.</summary>
    public static FileFormat Config { get; } = new("open_clip_config.json", "open_clip CLIP", Once([.. Within("model_cfg", Model), .. Within("preprocess_cfg", Pictures)]));

    private static IEnumerable<FileField> Refused(string supported, params string[] names) => names.Select(name => RefusedUnless(name, supported));
}
