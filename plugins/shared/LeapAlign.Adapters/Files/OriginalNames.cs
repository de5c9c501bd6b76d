using System.Text.RegularExpressions;

namespace LeapAlign.Adapters.Files;

/// <summary>The layers of diffusers that one layer of an original network became: several where it was taken apart by rows.</summary>
/// <param name="Modules">Their paths, in the order of the rows.</param>
/// <param name="HalvesSwap">Whether the two halves of the rows are in the other order: the original has shift before scale.</param>
internal sealed record OriginalLayer(IReadOnlyList<string> Modules, bool HalvesSwap = false);

/// <summary>The names of the original networks of FLUX.1 and Z-Image with underscores, as kohya's trainer and ComfyUI write them.</summary>
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

    private static readonly Dictionary<string, string[]> s_shared = new()
    {
        ["attention_qkv"] = ["attention.to_q", "attention.to_k", "attention.to_v"],
        ["attention_out"] = ["attention.to_out.0"],
        ["attention_to_q"] = ["attention.to_q"],
        ["attention_to_k"] = ["attention.to_k"],
        ["attention_to_v"] = ["attention.to_v"],
        ["attention_to_out_0"] = ["attention.to_out.0"],
        ["feed_forward_w1"] = ["feed_forward.w1"],
        ["feed_forward_w2"] = ["feed_forward.w2"],
        ["feed_forward_w3"] = ["feed_forward.w3"],
        ["adaLN_modulation_0"] = ["adaLN_modulation.0"],
    };

    private static readonly Dictionary<string, string> s_outsideShared = new()
    {
        ["x_embedder"] = "all_x_embedder.2-1",
        ["cap_embedder_1"] = "cap_embedder.1",
        ["t_embedder_mlp_0"] = "t_embedder.mlp.0",
        ["t_embedder_mlp_2"] = "t_embedder.mlp.2",
        ["final_layer_linear"] = "all_final_layer.2-1.linear",
        ["final_layer_adaLN_modulation_1"] = "all_final_layer.2-1.adaLN_modulation.1",
    };

    /// <summary>Finds the layers behind an original name: one entry for each network that has the name, in the order FLUX.1, Z-Image.</summary>
    /// <param name="name">The name, with dots or underscores.</param>
    public static IReadOnlyList<OriginalLayer> Find(string name)
    {
        var joined = name.Replace('.', '_');
        return [.. OfFlux(joined), .. OfZImage(joined)];
    }

    private static IEnumerable<OriginalLayer> OfFlux(string joined)
    {
        if (joined == "final_layer_adaLN_modulation_1") yield return new OriginalLayer(["norm_out.linear"], HalvesSwap: true);
        if (s_outside.TryGetValue(joined, out var outside)) yield return new OriginalLayer([outside]);
        var block = Block().Match(joined);
        if (!block.Success) yield break;
        var (list, layers) = block.Groups["kind"].Value == "double" ? ("transformer_blocks", s_double) : ("single_transformer_blocks", s_single);
        if (layers.TryGetValue(block.Groups["layer"].Value, out var modules)) yield return new OriginalLayer([.. modules.Select(module => $"{list}.{block.Groups["index"].Value}.{module}")]);
    }

    private static IEnumerable<OriginalLayer> OfZImage(string joined)
    {
        if (s_outsideShared.TryGetValue(joined, out var outside)) yield return new OriginalLayer([outside]);
        var block = SharedBlock().Match(joined);
        if (block.Success && s_shared.TryGetValue(block.Groups["layer"].Value, out var modules))
            yield return new OriginalLayer([.. modules.Select(module => $"{block.Groups["list"].Value}.{block.Groups["index"].Value}.{module}")]);
    }

    [GeneratedRegex(@"^(?<kind>double|single)_blocks_(?<index>\d+)_(?<layer>.+)$", RegexOptions.CultureInvariant)]
    private static partial Regex Block();

    [GeneratedRegex(@"^(?<list>layers|noise_refiner|context_refiner)_(?<index>\d+)_(?<layer>.+)$", RegexOptions.CultureInvariant)]
    private static partial Regex SharedBlock();
}
