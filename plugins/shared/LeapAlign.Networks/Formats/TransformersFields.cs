using static LeapAlign.Networks.Formats.FileField;

namespace LeapAlign.Networks.Formats;

/// <summary>The fields that every config.json of transformers may have.</summary>
internal static class TransformersFields
{
    private const string Generation = "of text generation, which encoders do not do";
    private const string Labels = "of classifiers";
    private const string Form = "the form in which the library hands over results, or by which kernel it computes them";
    private const string Origin = "says where the file comes from";
    private const string Start = "of weights before training; the file of weights has all of them";
    private const string Old = "of older versions of the library, which reads it no more";

    /// <summary>The fields, with <paramref name="architectures"/> as what <c>architectures</c> may name.</summary>
    public static IReadOnlyList<FileField> Common(string modelType, string architectures) =>
    [
        RefusedUnless("architectures", architectures),
        RefusedUnless("model_type", $"{modelType}, or absent"),
        RefusedUnless("quantization_config", "absent: weights that are stored as they are"),
        RefusedUnless("per_layer_config", "absent: layers that are all of one size"),
        RefusedUnless("layer_types", "absent: layers that are all of one kind"),
        RefusedUnless("transformers_weights", "absent: the library takes the weights from the file that it names"),
        RefusedUnless("configuration_files", "an empty list, or absent: the library reads the file for its own version in the place of this one"),
        RefusedUnless("fusion_config", "absent: layers that are not put together"),
        NoEffect("dtype", "settings decide the precision"),
        NoEffect("torch_dtype", "settings decide the precision"),
        NoEffect("auto_map", "code in a model folder is never run"),
        .. All(Form, "return_dict", "output_attentions", "output_hidden_states", "attn_implementation", "experts_implementation", "chunk_size_feed_forward", "use_cache"),
        .. All(Start, "initializer_factor", "initializer_range"),
        .. All(Labels, "id2label", "label2id", "num_labels", "problem_type", "classifier_dropout"),
        .. All(Origin, "_commit_hash", "_name_or_path", "name_or_path", "transformers_version"),
        .. All("of rotary positions, which these encoders do not have", "rope_scaling", "rope_theta"),
        .. All(Generation, "is_encoder_decoder", "assistant_confidence_threshold", "assistant_lookbehind", "bad_words_ids", "begin_suppress_tokens", "decoder_start_token_id",
            "diversity_penalty", "do_sample", "early_stopping", "encoder_no_repeat_ngram_size", "encoder_repetition_penalty", "epsilon_cutoff", "eta_cutoff",
            "exponential_decay_length_penalty", "forced_bos_token_id", "forced_eos_token_id", "length_penalty", "max_length", "min_length", "no_repeat_ngram_size",
            "num_assistant_tokens", "num_assistant_tokens_schedule", "num_beam_groups", "num_beams", "num_return_sequences", "output_scores", "remove_invalid_values",
            "repetition_penalty", "return_dict_in_generate", "suppress_tokens", "target_lookbehind", "temperature", "top_k", "top_p", "typical_p"),
        .. All(Old, "add_cross_attention", "cross_attention_hidden_size", "dropout", "finetuning_task", "n_positions", "output_past", "prefix", "pruned_heads", "sep_token_id",
            "task_specific_params", "tf_legacy_loss", "tie_encoder_decoder", "tie_word_embeddings", "tokenizer_class", "torchscript", "use_bfloat16"),
    ];

    /// <summary>Several fields without effect, for one reason.</summary>
    public static IEnumerable<FileField> All(string why, params string[] names) => names.Select(name => NoEffect(name, why));

    /// <summary>The same fields inside a nested object.</summary>
    public static IEnumerable<FileField> Within(string section, IEnumerable<FileField> fields) => fields.Select(field => field with { Name = $"{section}.{field.Name}" });

    /// <summary>Fields, each name once: a first entry hides a later one.</summary>
    public static IReadOnlyList<FileField> Once(params IEnumerable<FileField> fields) => [.. fields.DistinctBy(static field => field.Name)];
}
