using System.Text.Json;
using LeapAlign.Networks.Configuration;
using LeapAlign.Networks.Formats;
using LeapAlign.Pipeline;
using static LeapAlign.Networks.Formats.FileField;

namespace LeapAlign.Adapters.Files;

/// <summary>
/// What PEFT's <c>LoraConfig</c> says about the factors in a file: their ranks, their scales and the layers they belong to. It is a file of its own in a PEFT folder, and an entry of
/// the weights' header, with <c>transformer.</c> before each key, in the files of diffusers.
/// </summary>
public sealed class LoraConfig
{
    /// <summary>Its file in a PEFT folder.</summary>
    public const string FileName = "adapter_config.json";

    // What PEFT takes for a rank and an alpha that are not there.
    private const int DefaultRank = 8;
    private const double DefaultAlpha = 8;
    private const string NotLinear = "factors are read for linear layers alone";
    private static readonly string[] s_harmlessStarts = ["gaussian", "orthogonal", "eva"];
    private readonly LoraPatterns _ranks;
    private readonly LoraPatterns _alphas;
    private readonly LoraTargets _targets;
    private readonly bool _isRankStabilised;

    private LoraConfig(LoraPatterns ranks, LoraPatterns alphas, LoraTargets targets, bool isRankStabilised) =>
        (_ranks, _alphas, _targets, _isRankStabilised) = (ranks, alphas, targets, isRankStabilised);

    /// <summary>Its fields.</summary>
    public static FileFormat Format { get; } = new(FileName, "peft LoraConfig",
    [
        RefusedUnless("peft_type", "LORA; in a header it may be absent"),
        Honoured("r", "the rank of layers that rank_pattern does not name; 8 when absent"),
        Honoured("lora_alpha", "the numerator of the scale of layers that alpha_pattern does not name; 8 when absent"),
        Honoured("rank_pattern", "ranks by layer: the first key that matches the end of the layer's path, as a regular expression; the factors' own rank has to be the same"),
        Honoured("alpha_pattern", "alphas by layer, matched alike"),
        Honoured("use_rslora", "the scale is alpha over the root of the rank"),
        Honoured("target_modules", "of a PEFT folder: factors of a layer that it does not name are a fault, since PEFT leaves them out. In a header it has no effect, as in diffusers"),
        Honoured("exclude_modules", "layers that target_modules does not mean; in a header it has no effect"),
        Honoured("layers_to_transform", "indices of the blocks that target_modules means; in a header it has no effect"),
        Honoured("layers_pattern", "the names before these indices, which have to be there; in a header it has no effect"),
        RefusedUnless("init_lora_weights", "true, false, gaussian, orthogonal, eva; the others change the weights under the factors"),
        RefusedUnless("bias", "none"),
        .. Refused("false", "fan_in_fan_out", "lora_bias", "use_dora", "use_qalora"),
        .. Refused("absent, null or empty", "modules_to_save", "megatron_config", "trainable_token_indices", "alora_invocation_tokens", "layer_replication", "target_parameters",
            "use_bdlora", "arrow_config", "velora_config", "kasa_config", "monteclora_config"),
        .. Harmless("of how the factors began", "loftq_config", "eva_config", "corda_config", "lora_ga_config"),
        NoEffect("lora_dropout", "of training; the settings of the run decide"),
        NoEffect("megatron_core", "of megatron_config"),
        NoEffect("qalora_group_size", "of use_qalora"),
        NoEffect("ensure_weight_tying", "linear layers of these models are not tied"),
        NoEffect("runtime_config", "where a library keeps tensors while it loads them"),
        .. Harmless("says where the factors come from", "task_type", "auto_mapping", "base_model_name_or_path", "revision", "peft_version", "inference_mode"),
    ]);

    /// <summary>Reads the file of a PEFT folder.</summary>
    /// <param name="path">The adapter_config.json.</param>
    /// <param name="warn">Is told keys that are not known.</param>
    public static Result<LoraConfig> Read(string path, Action<Fault>? warn = null) =>
        ConfigFields.Read(path, static fields => From(fields, hasTargets: true), Format, warn).Bind(static made => made);

    /// <summary>Reads the entry of a header.</summary>
    /// <param name="path">The weights file, for messages.</param>
    /// <param name="root">The entry's object, without the prefix of its keys.</param>
    /// <param name="warn">Is told keys that are not known.</param>
    internal static Result<LoraConfig> Read(string path, JsonElement root, Action<Fault>? warn)
    {
        var unknown = Format.Unknown(root, path).Select(static fault => fault.Place!.Key!).ToArray();
        // What a later PEFT may ask for is not certain; what it writes for everything that is not asked for is nothing.
        if (unknown.FirstOrDefault(key => !IsUnset(root.GetProperty(key))) is { } asked)
            return new Fault.Input(FaultCodes.UnsupportedAdapter, $"'{asked}' of {LoraHeader.DiffusersKey} is {root.GetProperty(asked).GetRawText()}, but no such field is known, and diffusers refuses a file that has one", new SourcePlace(path, Key: asked));
        foreach (var key in unknown)
            warn?.Invoke(new Fault.Input(FaultCodes.UnknownField, $"'{key}' of {LoraHeader.DiffusersKey} is not known and asks for nothing; a diffusers that does not know it refuses the file", new SourcePlace(path, Key: key)));
        return ConfigFields.Read(path, root, static fields => From(fields, hasTargets: false), Format, warn: null).Bind(static made => made);
    }

    /// <summary>The rank that a layer has to have.</summary>
    public int RankOf(string module) => (int)_ranks.Of(module);

    /// <summary>The numerator of a layer's scale over its rank. Rank-stabilised factors have theirs multiplied by the root of the rank, which gives the same scale.</summary>
    public double AlphaOf(string module) => _alphas.Of(module) * (_isRankStabilised ? Math.Sqrt(RankOf(module)) : 1);

    /// <summary>Whether PEFT puts factors on a layer.</summary>
    public bool Targets(string module) => _targets.Includes(module);

    private static Result<LoraConfig> From(ConfigFields fields, bool hasTargets)
    {
        fields.Word("peft_type", "LORA");
        fields.Require(!hasTargets || fields.Has("peft_type"), "peft_type", "is missing, but has to be LORA: PEFT opens no folder without it");
        // PEFT takes null for a value here, and fails on it.
        fields.NotNull("r", "lora_alpha", "rank_pattern", "alpha_pattern");
        var alpha = fields.Number("lora_alpha", DefaultAlpha);
        fields.Require(alpha != 0, "lora_alpha", "is 0: the factors have no effect");
        var start = fields.Find("init_lora_weights");
        fields.Require(
            start is not { } given || given.ValueKind is JsonValueKind.True or JsonValueKind.False || (given.ValueKind == JsonValueKind.String && s_harmlessStarts.Contains(given.GetString())),
            "init_lora_weights", $"is {start?.GetRawText()}, which changes the weights under the factors; it has to be true, false, {string.Join(", ", s_harmlessStarts)}");
        fields.Word("bias", "none");
        Unset(fields, "fan_in_fan_out", NotLinear);
        Unset(fields, "lora_bias", "biases beside the factors are not read");
        Unset(fields, "use_dora", "DoRA is not read");
        Unset(fields, "use_qalora", "QA-LoRA is not read");
        Unset(fields, "modules_to_save", "whole layers beside the factors are not read");
        foreach (var key in (string[])["megatron_config", "trainable_token_indices", "layer_replication", "target_parameters"]) Unset(fields, key, NotLinear);
        foreach (var key in (string[])["alora_invocation_tokens", "use_bdlora", "arrow_config", "velora_config", "kasa_config", "monteclora_config"]) Unset(fields, key, "a variant of LoRA that is not read");
        var ranks = LoraPatterns.Read(fields, "rank_pattern", fields.Size("r", DefaultRank));
        var alphas = LoraPatterns.Read(fields, "alpha_pattern", alpha);
        var targets = LoraTargets.Read(fields, hasTargets);
        var isRankStabilised = fields.Flag("use_rslora", absent: false);
        return new LoraConfig(ranks, alphas, targets, isRankStabilised);
    }

    private static void Unset(ConfigFields fields, string key, string why)
    {
        var found = fields.Find(key);
        fields.Require(found is not { } element || IsUnset(element), key, $"is {found?.GetRawText()}: {why}");
    }

    // Null, false and what is empty mean the same to PEFT.
    private static bool IsUnset(JsonElement element) => element.ValueKind is JsonValueKind.Null or JsonValueKind.False
        || (element.ValueKind == JsonValueKind.Array && element.GetArrayLength() == 0) || (element.ValueKind == JsonValueKind.Object && !element.EnumerateObject().Any());

    private static IEnumerable<FileField> Refused(string supported, params string[] names) => names.Select(name => RefusedUnless(name, supported));

    private static IEnumerable<FileField> Harmless(string why, params string[] names) => names.Select(name => NoEffect(name, why));
}
