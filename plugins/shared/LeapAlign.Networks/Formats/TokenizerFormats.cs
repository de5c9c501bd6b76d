using System.Text.Json;
using LeapAlign.Networks.Tokenizers;
using LeapAlign.Pipeline;
using static LeapAlign.Networks.Formats.FileField;
using static LeapAlign.Networks.Formats.TransformersFields;

namespace LeapAlign.Networks.Formats;

/// <summary>The files of tokenizers.</summary>
public static class TokenizerFormats
{
    private const string Rebuilt = "the library's class makes it anew, whatever the file says";
    private const string Marks = "what the library is told by its caller or of its caller, not of how it reads a text";
    private const string Chat = "of conversations";
    private static readonly string[] Absent =
        ["init_inputs", "vocab", "merges", "tokenizer_object", "gguf_file", "post_processor", "tokenizer_padding", "tokenizer_truncation", "_spm_precompiled_charsmap", "_json_padding", "_json_truncation",
         "model_specific_special_tokens"];

    private static readonly FileField[] Token =
    [
        Honoured("content", "its spelling"),
        Honoured("normalized", "whether it is looked for in the normalised text, not in the text as written; true when absent, but for special tokens"),
        Honoured("single_word", "whether it counts only where no letter or digit touches it"),
        Honoured("lstrip", "whether it takes the space before it"),
        Honoured("rstrip", "whether it takes the space after it"),
        Honoured("special", "whether split_special_tokens makes it plain text"),
    ];

    /// <summary>tokenizer_config.json of CLIP.</summary>
    public static FileFormat ClipConfig { get; } = new("tokenizer/tokenizer_config.json, tokenizer_2/tokenizer_config.json, and of a CLIP model", "transformers CLIPTokenizer", Config("CLIPTokenizer"));

    /// <summary>tokenizer_config.json of T5.</summary>
    public static FileFormat T5Config { get; } = new("tokenizer_3/tokenizer_config.json, tokenizer_2/tokenizer_config.json of a FluxPipeline", "transformers T5Tokenizer", Once(
        [Honoured("extra_ids", "how many <extra_id_…> tokens follow the pieces of spiece.model; 100 when absent"), .. Config("T5Tokenizer")]));

    /// <summary>tokenizer_config.json of Qwen's models.</summary>
    public static FileFormat Qwen2Config { get; } = new("tokenizer/tokenizer_config.json of a ZImagePipeline", "transformers Qwen2Tokenizer", Once(
        [RefusedUnless("add_prefix_space", "false, null, or absent"),
         RefusedUnless("chat_template", "a template of Qwen3's, also in chat_template.jinja, which hides it: templates are not run, and a caption is written as theirs write one message of a user"),
         .. Config("Qwen2Tokenizer")]));

    /// <summary>A token as an object, in any of the files.</summary>
    public static FileFormat AddedTokenObject { get; } = new("a token as an object, in tokenizer_config.json, special_tokens_map.json and tokenizer.json", "tokenizers AddedToken", Token);

    /// <summary>tokenizer.json of CLIP.</summary>
    public static FileFormat ClipWhole { get; } = new("tokenizer.json of CLIP; read before vocab.json and merges.txt where both forms are there", "transformers CLIPTokenizer", Once(
        [Honoured("model.vocab", "pieces and their ids"),
         Honoured("model.merges", "pairs, first the one that is joined first"),
         RefusedUnless("model.type", "BPE, or absent"),
         .. All(Rebuilt, "model.byte_fallback", "model.continuing_subword_prefix", "model.dropout", "model.end_of_word_suffix", "model.fuse_unk", "model.ignore_merges", "model.unk_token"),
         .. Whole, .. All(Rebuilt, "normalizer")]));

    /// <summary>tokenizer.json of T5.</summary>
    public static FileFormat T5Whole { get; } = new("tokenizer.json of T5; read before spiece.model where both are there", "transformers T5Tokenizer", Once(
        [Honoured("model.vocab", "pieces and their scores"),
         RefusedUnless("model.type", "Unigram"),
         .. All(Rebuilt, "model.byte_fallback", "model.unk_id"),
         .. Whole, Honoured("normalizer", "its first precompiled_charsmap; the library makes the rest anew")]));

    /// <summary>special_tokens_map.json.</summary>
    public static FileFormat SpecialTokensMap { get; } = new("special_tokens_map.json; not read where tokenizer_config.json has added_tokens_decoder", "transformers PreTrainedTokenizerBase", SpecialTokens);

    /// <summary>The files that are no objects with fields.</summary>
    public static FileFormat Parts { get; } = new("added_tokens.json, vocab.json, merges.txt, spiece.model", "transformers CLIPTokenizer, T5Tokenizer",
    [
        Honoured("added_tokens.json", "tokens and their ids; not read where tokenizer_config.json has added_tokens_decoder"),
        Honoured("vocab.json", "pieces and their ids"),
        Honoured("merges.txt", "pairs, first the one that is joined first; lines that begin with #version are left out, an empty line is refused"),
        Honoured("spiece.model: pieces", "pieces and their scores; the third is the unknown one, as in the library"),
        Honoured("spiece.model: normalizer_spec.precompiled_charsmap", "the table of replacements"),
        NoEffect("spiece.model: the rest", Rebuilt),
    ]);

    private static IEnumerable<FileField> Whole =>
    [
        Honoured("added_tokens", "not read where tokenizer_config.json has added_tokens_decoder"),
        Honoured("padding.direction", "as padding_side, where tokenizer_config.json does not say it"),
        Honoured("truncation.direction", "as truncation_side, where tokenizer_config.json does not say it"),
        .. All("lengths and the padding token come from tokenizer_config.json", "padding.pad_id", "padding.pad_to_multiple_of", "padding.pad_token", "padding.pad_type_id", "padding.strategy",
            "truncation.max_length", "truncation.strategy", "truncation.stride"),
        .. All(Rebuilt, "decoder", "post_processor", "pre_tokenizer"),
        NoEffect("version", "one version of the format is known"),
    ];

    private static FileField[] SpecialTokens =>
    [
        Honoured("bos_token", "begins a text of CLIP; a word or an object"),
        Honoured("eos_token", "ends a text; a word or an object"),
        Honoured("pad_token", "pads a text; a word or an object, <|endoftext|> for CLIP and <pad> for T5 when absent"),
        Honoured("unk_token", "stands for what the vocabulary lacks, and is found in a text"),
        .. ((string[])["cls_token", "mask_token", "sep_token"]).Select(static name => Honoured(name, "is found in a text")),
        Honoured("extra_special_tokens", "a list or an object of tokens that are found in a text; so is a token under any other key that ends in _token"),
        Honoured("additional_special_tokens", "the older name of extra_special_tokens"),
    ];

    /// <summary>The fault of a field of tokenizer_config.json whose value is not supported; null when it is, or when no value is refused.</summary>
    internal static Fault? Refused(FileFormat format, string path, JsonProperty field)
    {
        var right = field.Name switch
        {
            "tokenizer_class" => field.Value.ValueKind == JsonValueKind.Null || (field.Value.ValueKind == JsonValueKind.String && Classes(format).Contains(field.Value.GetString())),
            "add_prefix_space" => format != Qwen2Config || field.Value.ValueKind is JsonValueKind.Null or JsonValueKind.False,
            "chat_template" => format != Qwen2Config || QwenChat.IsOfQwen(field.Value),
            "fast_tokenizer_files" => field.Value.ValueKind == JsonValueKind.Array && field.Value.EnumerateArray().All(static name => name.ValueKind == JsonValueKind.String && name.GetString() == "tokenizer.json"),
            _ => !Absent.Contains(field.Name) || field.Value.ValueKind == JsonValueKind.Null || (field.Value.ValueKind == JsonValueKind.Array && field.Value.GetArrayLength() == 0),
        };
        if (right) return null;
        var supported = format.Fields.First(known => known.Name == field.Name).Note;
        return TokenizerFile.Bad(path, $"'{field.Name}' is {field.Value.GetRawText()}, but only {supported} is known", field.Name);
    }

    private static string[] Classes(FileFormat format) => format == T5Config ? ["T5Tokenizer", "T5TokenizerFast"] : format == Qwen2Config ? ["Qwen2Tokenizer", "Qwen2TokenizerFast"] : ["CLIPTokenizer", "CLIPTokenizerFast"];

    private static IReadOnlyList<FileField> Config(string name) => Once(
        [.. SpecialTokens,
         Honoured("model_max_length", "the longest text, in tokens; see below"),
         Honoured("max_len", "the older name of model_max_length"),
         Honoured("added_tokens_decoder", "tokens that are found in a text; each has to have the id that the vocabulary gives it"),
         Honoured("padding_side", "right or left; right when absent. A reward on CLIP refuses left, with which a score depends on the captions beside it"),
         Honoured("truncation_side", "right or left: the end of a text that is cut; right when absent"),
         Honoured("split_special_tokens", "whether special tokens in a text are plain text"),
         RefusedUnless("tokenizer_class", $"{name}, {name}Fast, or absent"),
         RefusedUnless("fast_tokenizer_files", "tokenizer.json, or absent"),
         .. Absent.Select(static key => RefusedUnless(key, "an absent one")),
         .. All(Rebuilt, "add_bos_token", "add_eos_token", "add_prefix_space", "unk_id", "do_lower_case", "errors", "legacy", "sp_model_kwargs"),
         .. All("the folder's own files are read, under their own names", "tokenizer_file", "vocab_file", "merges_file", "special_tokens_map_file", "tokenizer"),
         .. All("of turning ids back into text", "clean_up_tokenization_spaces", "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output"),
         .. All(Chat, "chat_control_tokens", "chat_template", "response_schema", "response_template"),
         .. All("texts are padded and cut to the length of the encoder", "max_length", "pad_to_multiple_of", "pad_token_type_id", "stride", "truncation_strategy"),
         NoEffect("auto_map", "code in a model folder is never run"),
         NoEffect("fix_mistral_regex", "of another model"),
         .. All(Marks, "_commit_hash", "_from_auto", "_from_pipeline", "backend", "files_loaded", "is_local", "local_files_only", "model_input_names", "name_or_path", "processor_class", "proxies",
             "subfolder", "verbose")]);
}
