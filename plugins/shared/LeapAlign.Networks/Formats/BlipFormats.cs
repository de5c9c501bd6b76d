using LeapAlign.Networks.Layers;
using static LeapAlign.Networks.Formats.FileField;
using static LeapAlign.Networks.Formats.TransformersFields;

namespace LeapAlign.Networks.Formats;

/// <summary>The configurations of a BLIP reward's folder.</summary>
public static class BlipFormats
{
    private static readonly string Functions = $"one of {string.Join(", ", Activation.Names)}";

    /// <summary>The text tower, as BLIP publishes it.</summary>
    public static FileFormat Text { get; } = new("med_config.json", "BLIP BertConfig", Once(
        [Honoured("hidden_size", "width; the heads have to divide it. 768 when absent"),
         Honoured("num_hidden_layers", "layers; 12 when absent"),
         Honoured("num_attention_heads", "heads; 12 when absent"),
         Honoured("intermediate_size", "width inside the MLP; 3072 when absent"),
         RefusedUnless("hidden_act", Functions),
         Honoured("layer_norm_eps", "epsilon of every norm; 1e-12 when absent"),
         Honoured("max_position_embeddings", "the longest text; 512 when absent"),
         Honoured("vocab_size", "rows of the token table; 30522 when absent"),
         RefusedUnless("add_cross_attention", "true: every layer looks at the picture"),
         RefusedUnless("position_embedding_type", "absolute, or absent"),
         NoEffect("encoder_width", "the width of the image tower is taken, as the published code does"),
         NoEffect("type_vocab_size", "texts have no types"),
         NoEffect("pad_token_id", "padding is masked"),
         .. All("of training; these networks are frozen", "attention_probs_dropout_prob", "hidden_dropout_prob"),
         .. Common("bert", "BertModel")]));

    /// <summary>The sizes of the image tower, which the published code has built in.</summary>
    public static FileFormat Vision { get; } = new("vision_config.json", "BLIP VisionTransformer",
        [Honoured("image_size", "side of the picture in pixels; 224 when absent"),
         Honoured("patch_size", "side of a patch in pixels; 16 when absent"),
         Honoured("width", "width; 1024 when absent"),
         Honoured("layers", "layers; 24 when absent"),
         Honoured("heads", "heads, which divide the width; 16 when absent")]);

    /// <summary>What the tokenizer of a BLIP reward may say of itself.</summary>
    public static FileFormat Words { get; } = new("tokenizer_config.json of a BLIP reward", "transformers BertTokenizer",
        [RefusedUnless("do_lower_case", "true, or absent"),
         RefusedUnless("strip_accents", "true, or absent"),
         RefusedUnless("tokenize_chinese_chars", "true, or absent"),
         RefusedUnless("do_basic_tokenize", "true, or absent"),
         NoEffect("tokenizer_class", "vocab.txt is read by words and their pieces"),
         .. All("the text's length is a setting", "model_max_length", "max_len"),
         .. All("BERT's own tokens are taken", "cls_token", "sep_token", "pad_token", "unk_token", "mask_token", "added_tokens_decoder", "never_split", "additional_special_tokens", "extra_special_tokens"),
         .. All("says where the file comes from", "name_or_path", "special_tokens_map_file", "tokenizer_file", "clean_up_tokenization_spaces")]);
}
