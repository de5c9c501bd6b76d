using System.Text.RegularExpressions;

namespace LeapAlign.Adapters.Files;

/// <summary>Which tensor of a layer's factors a key names.</summary>
internal enum LoraPart
{
    /// <summary>The way to the narrow side, [rank, in].</summary>
    A,

    /// <summary>The way back, [out, rank].</summary>
    B,

    /// <summary>The numerator of the scale, one number.</summary>
    Alpha,
}

/// <summary>How a key spells the layer.</summary>
internal enum LoraSpelling
{
    /// <summary>diffusers: the path of the layer behind <c>transformer.</c>.</summary>
    Diffusers,

    /// <summary>PEFT: the path behind <c>base_model.model.</c>; the scale is in adapter_config.json.</summary>
    Peft,

    /// <summary>kohya and ComfyUI: the name of the original network behind <c>lora_unet_</c> or <c>diffusion_model.</c>.</summary>
    Original,

    /// <summary>The path of diffusers with underscores behind <c>lora_transformer_</c>.</summary>
    Underscored,
}

/// <summary>The key of a tensor, taken apart.</summary>
/// <param name="Spelling">How the layer is spelled.</param>
/// <param name="Module">The layer, without prefix.</param>
/// <param name="Part">Which of its tensors.</param>
/// <param name="Adapter">The adapter's name between part and <c>.weight</c>, or null.</param>
internal sealed partial record LoraKey(LoraSpelling Spelling, string Module, LoraPart Part, string? Adapter)
{
    private static readonly (string Prefix, LoraSpelling Spelling)[] s_prefixes =
    [
        ("transformer.", LoraSpelling.Diffusers),
        ("base_model.model.", LoraSpelling.Peft),
        ("diffusion_model.", LoraSpelling.Original),
        ("lora_unet_", LoraSpelling.Original),
        ("lora_transformer_", LoraSpelling.Underscored),
    ];

    private static readonly (string Text, string What)[] s_refused =
    [
        (".dora_scale", "DoRA"),
        (".lora_magnitude_vector", "DoRA"),
        (".lokr_", "LoKr"),
        (".hada_", "LoHa"),
        (".lora_mid.", "LoCon with a middle factor"),
        (".lora_embedding_", "factors of an embedding"),
        (".modules_to_save.", "a whole layer beside the factors"),
    ];

    /// <summary>What a key belongs to that is not read; null when it may be a factor.</summary>
    public static string? Refused(string key)
    {
        if (TextEncoder().IsMatch(key)) return "factors of a text encoder";
        if (Bias().IsMatch(key)) return "a bias beside the factors";
        if (Difference().IsMatch(key)) return "a difference of weights";
        return s_refused.FirstOrDefault(entry => key.Contains(entry.Text, StringComparison.Ordinal)).What;
    }

    /// <summary>Takes a key apart; null when it names no factor of a layer.</summary>
    public static LoraKey? Parse(string key)
    {
        var (prefix, spelling) = s_prefixes.FirstOrDefault(entry => key.StartsWith(entry.Prefix, StringComparison.Ordinal));
        if (prefix is null) return null;
        var match = Factor().Match(key, prefix.Length, key.Length - prefix.Length);
        if (!match.Success) return null;
        var module = match.Groups["module"].Value.Replace(".processor.", ".", StringComparison.Ordinal);
        // The oldest files of diffusers name the factors after the projection and the output's list without its index.
        if (match.Groups["joined"].Success && module.EndsWith(".to_out", StringComparison.Ordinal)) module += ".0";
        var part = match.Groups["alpha"].Success ? LoraPart.Alpha : match.Groups["which"].Value is "A" or "down" ? LoraPart.A : LoraPart.B;
        return new LoraKey(spelling, module, part, match.Groups["adapter"] is { Success: true } adapter ? adapter.Value : null);
    }

    [GeneratedRegex(@"\G(?<module>.+?)(?:\.lora_(?<which>A|B)(?:\.(?<adapter>[^.]+))?\.weight|(?:\.lora_|\.lora\.|(?<joined>_lora\.))(?<which>down|up)\.weight|(?<alpha>\.alpha))$", RegexOptions.CultureInvariant)]
    private static partial Regex Factor();

    [GeneratedRegex(@"^(?:text_encoders?[._\d]|lora_te\d?_)", RegexOptions.CultureInvariant)]
    private static partial Regex TextEncoder();

    [GeneratedRegex(@"\.lora_?[AB.](?:.*\.)?bias$|\.lora_(?:down|up)\.bias$", RegexOptions.CultureInvariant)]
    private static partial Regex Bias();

    [GeneratedRegex(@"\.(?:diff|diff_b|set_weight|w_norm|b_norm)$", RegexOptions.CultureInvariant)]
    private static partial Regex Difference();
}
