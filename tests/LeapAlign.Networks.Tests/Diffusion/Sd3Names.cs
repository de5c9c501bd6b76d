namespace LeapAlign.Networks.Tests.Diffusion;

/// <summary>Names and shapes of the weights of a published SD3 transformer, written down independently of the network.</summary>
internal static class Sd3Names
{
    private const long ContextWidth = 4096;
    private const long PooledWidth = 2048;
    private const long PatchValues = 2 * 2 * 16;
    private const long HeadWidth = 64;

    public static Dictionary<string, long[]> Expected(long width, int layers, int dualLayers, bool normalised, long table)
    {
        Dictionary<string, long[]> names = new()
        {
            ["pos_embed.pos_embed"] = [1, table * table, width],
            ["pos_embed.proj.weight"] = [width, 16, 2, 2],
            ["pos_embed.proj.bias"] = [width],
        };
        Linear(names, "time_text_embed.timestep_embedder.linear_1", 256, width);
        Linear(names, "time_text_embed.timestep_embedder.linear_2", width, width);
        Linear(names, "time_text_embed.text_embedder.linear_1", PooledWidth, width);
        Linear(names, "time_text_embed.text_embedder.linear_2", width, width);
        Linear(names, "context_embedder", ContextWidth, width);
        Linear(names, "norm_out.linear", width, 2 * width);
        Linear(names, "proj_out", width, PatchValues);
        for (var layer = 0; layer < layers; layer++) Block(names, layer, width, isDual: layer < dualLayers, isLast: layer == layers - 1, normalised);
        return names;
    }

    private static void Block(Dictionary<string, long[]> names, int layer, long width, bool isDual, bool isLast, bool normalised)
    {
        var block = $"transformer_blocks.{layer}";
        Linear(names, $"{block}.norm1.linear", width, (isDual ? 9 : 6) * width);
        Linear(names, $"{block}.norm1_context.linear", width, (isLast ? 2 : 6) * width);
        string[] projections = ["attn.to_q", "attn.to_k", "attn.to_v", "attn.to_out.0", "attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"];
        foreach (var name in projections) Linear(names, $"{block}.{name}", width, width);
        Linear(names, $"{block}.ff.net.0.proj", width, 4 * width);
        Linear(names, $"{block}.ff.net.2", 4 * width, width);
        string[] norms = normalised ? ["attn.norm_q", "attn.norm_k", "attn.norm_added_q", "attn.norm_added_k"] : [];
        foreach (var name in norms) names[$"{block}.{name}.weight"] = [HeadWidth];
        if (!isLast)
        {
            Linear(names, $"{block}.attn.to_add_out", width, width);
            Linear(names, $"{block}.ff_context.net.0.proj", width, 4 * width);
            Linear(names, $"{block}.ff_context.net.2", 4 * width, width);
        }
        if (!isDual) return;
        string[] second = ["attn2.to_q", "attn2.to_k", "attn2.to_v", "attn2.to_out.0"];
        foreach (var name in second) Linear(names, $"{block}.{name}", width, width);
        names[$"{block}.attn2.norm_q.weight"] = [HeadWidth];
        names[$"{block}.attn2.norm_k.weight"] = [HeadWidth];
    }

    private static void Linear(Dictionary<string, long[]> names, string name, long inputs, long outputs)
    {
        names[$"{name}.weight"] = [outputs, inputs];
        names[$"{name}.bias"] = [outputs];
    }
}
