using System.Text.RegularExpressions;

namespace LeapAlign.Adapters.Files;

/// <summary>The layers of diffusers that one layer of the original FLUX network became: several where it was taken apart by rows.</summary>
/// <param name="Modules">Their paths, in the order of the rows.</param>
/// <param name="HalvesSwap">Whether the two halves of the rows are in the other order: the original has shift before scale.</param>
internal sealed record OriginalLayer(IReadOnlyList<string> Modules, bool HalvesSwap = false);

/// <summary>The names of the original FLUX.1 network with underscores, as kohya's trainer and ComfyUI write them.</summary>
internal static partial class OriginalNames
{
    private static readonly Dictionary<string, string[]> s_double = new()
    {
        ["img_attn_qkv"] = ["attn.to_q", "attn.to_k", "attn.to_v"],
        ["txt_attn_qkv"] = ["attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"],
        ["img_attn_proj"] = ["attn.to_out.0"],
        ["txt_attn_proj"] = ["attn.to_add_out"],
        ["img_mlp_0"] = ["ff.net.0.proj"],
        ["img_mlp_2"] = ["ff.net.2"],
        ["txt_mlp_0"] = ["ff_context.net.0.proj"],
        ["txt_mlp_2"] = ["ff_context.net.2"],
        ["img_mod_lin"] = ["norm1.linear"],
        ["txt_mod_lin"] = ["norm1_context.linear"],
    };

    private static readonly Dictionary<string, string[]> s_single = new()
    {
        ["linear1"] = ["attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"],
        ["linear2"] = ["proj_out"],
        ["modulation_lin"] = ["norm.linear"],
    };

    private static readonly Dictionary<string, string> s_outside = new()
    {
        ["img_in"] = "x_embedder",
        ["txt_in"] = "context_embedder",
        ["time_in_in_layer"] = "time_text_embed.timestep_embedder.linear_1",
        ["time_in_out_layer"] = "time_text_embed.timestep_embedder.linear_2",
        ["vector_in_in_layer"] = "time_text_embed.text_embedder.linear_1",
        ["vector_in_out_layer"] = "time_text_embed.text_embedder.linear_2",
        ["guidance_in_in_layer"] = "time_text_embed.guidance_embedder.linear_1",
        ["guidance_in_out_layer"] = "time_text_embed.guidance_embedder.linear_2",
        ["final_layer_linear"] = "proj_out",
    };

    /// <summary>Finds the layers behind an original name; null when there is none.</summary>
    /// <param name="name">The name, with dots or underscores.</param>
    public static OriginalLayer? Find(string name)
    {
        var joined = name.Replace('.', '_');
        if (joined == "final_layer_adaLN_modulation_1") return new OriginalLayer(["norm_out.linear"], HalvesSwap: true);
        if (s_outside.TryGetValue(joined, out var outside)) return new OriginalLayer([outside]);
        var block = Block().Match(joined);
        if (!block.Success) return null;
        var (list, layers) = block.Groups["kind"].Value == "double" ? ("transformer_blocks", s_double) : ("single_transformer_blocks", s_single);
        return layers.TryGetValue(block.Groups["layer"].Value, out var modules) ? new OriginalLayer([.. modules.Select(module => $"{list}.{block.Groups["index"].Value}.{module}")]) : null;
    }

    [GeneratedRegex(@"^(?<kind>double|single)_blocks_(?<index>\d+)_(?<layer>.+)$", RegexOptions.CultureInvariant)]
    private static partial Regex Block();
}
