using LeapAlign.Networks.Layers;
using static LeapAlign.Networks.Formats.FileField;
using static LeapAlign.Networks.Formats.TransformersFields;

namespace LeapAlign.Networks.Formats;

/// <summary>config.json of text encoders and of CLIP models.</summary>
public static class TextFormats
{
    private const string Dropout = "of training; these networks are frozen";
    private const string Framing = "the tokenizer frames and pads texts, and padding is not masked";
    private static readonly string Functions = $"one of {string.Join(", ", Activation.Names)}";

    private static readonly FileField[] Tower =
    [
        Honoured("hidden_size", "width; the heads have to divide it"),
        Honoured("intermediate_size", "width inside the MLP"),
        Honoured("num_hidden_layers", "layers"),
        Honoured("num_attention_heads", "heads"),
        RefusedUnless("hidden_act", Functions),
        Honoured("layer_norm_eps", "epsilon of every norm"),
        NoEffect("attention_dropout", Dropout),
    ];

    private static readonly FileField[] Text =
    [
        Honoured("vocab_size", "rows of the token table"),
        Honoured("max_position_embeddings", "the longest sequence"),
        Honoured("eos_token_id", "where a text is pooled: at its first end token; 2, which old files have, means the largest id of the text. One number"),
        RefusedUnless("is_causal", "true, or absent: positions do not see later ones"),
        .. All(Framing, "bos_token_id", "pad_token_id"),
    ];

    private static readonly FileField[] Vision =
    [
        Honoured("image_size", "side of the picture in pixels, one number"),
        Honoured("patch_size", "side of a patch in pixels, one number"),
        RefusedUnless("num_channels", "3"),
        RefusedUnless("is_causal", "false, or absent: a patch sees all others"),
    ];

    /// <summary>Of <c>text_encoder</c> and <c>text_encoder_2</c>.</summary>
    public static FileFormat ClipText { get; } = new("text_encoder/config.json, text_encoder_2/config.json", "transformers CLIPTextConfig", Once(
        [.. Tower, .. Text, Honoured("projection_dim", "width of the projected features of a CLIPTextModelWithProjection"),
         RefusedUnless("text_config", "absent: the library reads all sizes from it where it is, and none from beside it"),
         .. Common("clip_text_model", "CLIPTextModelWithProjection in a StableDiffusion3Pipeline, CLIPTextModel in a FluxPipeline: the transformer takes projected features, or others")]));

    /// <summary>Of a CLIP reward's folder.</summary>
    public static FileFormat ClipModel { get; } = new("config.json of a CLIP model", "transformers CLIPConfig", Once(
        [Honoured("projection_dim", "width of the features of both towers"),
         NoEffect("logit_scale_init_value", "the file of weights has the scale"),
         .. Common("clip", "CLIPModel"),
         .. ((string[])["text_config_dict", "text_config"]).SelectMany(section => Within(section, TowerFields("clip_text_model", Text))),
         .. ((string[])["vision_config_dict", "vision_config"]).SelectMany(section => Within(section, TowerFields("clip_vision_model", Vision)))]));

    /// <summary>Of <c>text_encoder_3</c>, or <c>text_encoder_2</c> of a <c>FluxPipeline</c>.</summary>
    public static FileFormat T5 { get; } = new("text_encoder_3/config.json, text_encoder_2/config.json of a FluxPipeline", "transformers T5Config", Once(
        [Honoured("d_model", "width"),
         Honoured("hidden_size", "another name of d_model, which hides it"),
         Honoured("d_kv", "width of a head"),
         Honoured("head_dim", "another name of d_kv, which hides it"),
         Honoured("d_ff", "width inside the MLP"),
         Honoured("num_layers", "blocks"),
         Honoured("num_hidden_layers", "another name of num_layers, which hides it"),
         Honoured("num_heads", "heads"),
         Honoured("num_attention_heads", "another name of num_heads, which hides it"),
         Honoured("vocab_size", "rows of the token table"),
         Honoured("relative_attention_num_buckets", "buckets of distances, from 4 on"),
         Honoured("relative_attention_max_distance", "the distance from which the last bucket holds"),
         Honoured("layer_norm_epsilon", "epsilon of every norm"),
         RefusedUnless("feed_forward_proj", $"a function or gated-function, where the function is {Functions}; gated-gelu means gelu_new"),
         RefusedUnless("dense_act_fn", "a function as above; it hides the one of feed_forward_proj"),
         Honoured("is_gated_act", "whether a second projection multiplies the activated one; it hides what feed_forward_proj says"),
         RefusedUnless("is_decoder", "false: positions see later ones"),
         RefusedUnless("is_causal", "false, or absent: positions see later ones"),
         .. All("of the decoder, which no pipeline has", "num_decoder_layers", "scale_decoder_outputs"),
         NoEffect("tie_word_embeddings", "where a file has both copies of the token table, they have to be the same whatever this says"),
         .. All(Framing, "pad_token_id", "eos_token_id", "bos_token_id"),
         NoEffect("dropout_rate", Dropout),
         .. Common("t5", "T5EncoderModel")]));

    /// <summary>Of <c>text_encoder</c> of a <c>ZImagePipeline</c>.</summary>
    public static FileFormat Qwen3 { get; } = new("text_encoder/config.json of a ZImagePipeline", "transformers Qwen3Config", Once(
        [Honoured("hidden_size", "width"),
         Honoured("intermediate_size", "width inside the MLP"),
         Honoured("num_hidden_layers", "layers"),
         Honoured("num_attention_heads", "heads of queries"),
         Honoured("num_key_value_heads", "heads of keys and values, which divide those of queries; null is num_attention_heads"),
         Honoured("head_dim", "width of a head, an even number"),
         Honoured("rms_norm_eps", "epsilon of every norm"),
         Honoured("vocab_size", "rows of the token table"),
         Honoured("attention_bias", "whether the projections of the attention have biases"),
         RefusedUnless("hidden_act", "silu"),
         RefusedUnless("use_sliding_window", "false: every token sees all before it"),
         RefusedUnless("layer_types", "full_attention for every layer, or absent"),
         RefusedUnless("is_causal", "true, or absent: no token sees a later one"),
         .. All("there is no window", "sliding_window", "max_window_layers"),
         Honoured("rope_theta", "the base of the angles by which heads turn, where no object of them has it"),
         RefusedUnless("partial_rotary_factor", "absent: heads turn whole"),
         .. ((string[])["rope_parameters", "rope_scaling"]).SelectMany(static section => Within(section,
         [
             Honoured("rope_theta", section == "rope_scaling" ? "as of rope_parameters, which it hides" : "the base of the angles"),
             RefusedUnless("rope_type", "default"),
             RefusedUnless("type", "default; the older name of rope_type"),
             RefusedUnless("partial_rotary_factor", "absent: heads turn whole"),
             RefusedUnless("full_attention", "absent: one form of angles for all layers"),
         ])),
         NoEffect("max_position_embeddings", "angles have no end"),
         .. All(Framing, "pad_token_id", "eos_token_id", "bos_token_id"),
         NoEffect("attention_dropout", Dropout),
         .. Common("qwen3", "Qwen3Model or Qwen3ForCausalLM, whose head is not used").Where(static field => field.Name != "rope_scaling")]));

    private static IEnumerable<FileField> TowerFields(string modelType, FileField[] own) =>
        Once([.. Tower, .. own, NoEffect("projection_dim", "projection_dim of the whole model counts"),
              .. Common(modelType, "").Select(static field => field.Name == "architectures" ? NoEffect("architectures", "the whole model names the class") : field)]);
}
