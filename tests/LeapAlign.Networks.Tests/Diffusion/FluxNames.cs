namespace LeapAlign.Networks.Tests.Diffusion;

/// <summary>Names and shapes of the weights of FLUX.1-dev and FLUX.1-schnell, written down independently of the network.</summary>
internal static class FluxNames
{
    private const long Width = 3072;
    private const long HeadWidth = 128;

    public static Dictionary<string, long[]> Expected(bool embedsGuidance)
    {
        Dictionary<string, long[]> names = [];
        Linear(names, "x_embedder", 64, Width);
        Linear(names, "context_embedder", 4096, Width);
        Embedder(names, "timestep_embedder", 256);
        if (embedsGuidance) Embedder(names, "guidance_embedder", 256);
        Embedder(names, "text_embedder", 768);
        for (var layer = 0; layer < 19; layer++) DoubleStream(names, $"transformer_blocks.{layer}");
        for (var layer = 0; layer < 38; layer++) SingleStream(names, $"single_transformer_blocks.{layer}");
        Linear(names, "norm_out.linear", Width, 6144);
        Linear(names, "proj_out", Width, 64);
        return names;
    }

    private static void DoubleStream(Dictionary<string, long[]> names, string block)
    {
        foreach (var name in (string[])["norm1", "norm1_context"]) Linear(names, $"{block}.{name}.linear", Width, 18432);
        foreach (var name in (string[])["to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out"])
            Linear(names, $"{block}.attn.{name}", Width, Width);
        foreach (var name in (string[])["norm_q", "norm_k", "norm_added_q", "norm_added_k"]) names[$"{block}.attn.{name}.weight"] = [HeadWidth];
        foreach (var name in (string[])["ff", "ff_context"])
        {
            Linear(names, $"{block}.{name}.net.0.proj", Width, 12288);
            Linear(names, $"{block}.{name}.net.2", 12288, Width);
        }
    }

    private static void SingleStream(Dictionary<string, long[]> names, string block)
    {
        Linear(names, $"{block}.norm.linear", Width, 9216);
        foreach (var name in (string[])["to_q", "to_k", "to_v"]) Linear(names, $"{block}.attn.{name}", Width, Width);
        foreach (var name in (string[])["norm_q", "norm_k"]) names[$"{block}.attn.{name}.weight"] = [HeadWidth];
        Linear(names, $"{block}.proj_mlp", Width, 12288);
        Linear(names, $"{block}.proj_out", 15360, Width);
    }

    private static void Embedder(Dictionary<string, long[]> names, string name, long inputs)
    {
        Linear(names, $"time_text_embed.{name}.linear_1", inputs, Width);
        Linear(names, $"time_text_embed.{name}.linear_2", Width, Width);
    }

    private static void Linear(Dictionary<string, long[]> names, string name, long inputs, long outputs)
    {
        names[$"{name}.weight"] = [outputs, inputs];
        names[$"{name}.bias"] = [outputs];
    }
}
