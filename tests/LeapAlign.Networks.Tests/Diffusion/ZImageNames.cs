namespace LeapAlign.Networks.Tests.Diffusion;

/// <summary>Names and shapes of the weights of Z-Image, written down independently of the network.</summary>
internal static class ZImageNames
{
    private const long Width = 3840;
    private const long Inner = 10240;

    public static Dictionary<string, long[]> Expected()
    {
        Dictionary<string, long[]> names = new() { ["x_pad_token"] = [1, Width], ["cap_pad_token"] = [1, Width], ["cap_embedder.0.weight"] = [2560] };
        Linear(names, "all_x_embedder.2-1", 64, Width);
        Linear(names, "cap_embedder.1", 2560, Width);
        Linear(names, "t_embedder.mlp.0", 256, 1024);
        Linear(names, "t_embedder.mlp.2", 1024, 256);
        Linear(names, "all_final_layer.2-1.linear", Width, 64);
        Linear(names, "all_final_layer.2-1.adaLN_modulation.1", 256, Width);
        for (var layer = 0; layer < 2; layer++)
        {
            Block(names, $"noise_refiner.{layer}", isModulated: true);
            Block(names, $"context_refiner.{layer}", isModulated: false);
        }
        for (var layer = 0; layer < 30; layer++) Block(names, $"layers.{layer}", isModulated: true);
        return names;
    }

    private static void Block(Dictionary<string, long[]> names, string block, bool isModulated)
    {
        foreach (var name in (string[])["to_q", "to_k", "to_v", "to_out.0"]) names[$"{block}.attention.{name}.weight"] = [Width, Width];
        foreach (var name in (string[])["norm_q", "norm_k"]) names[$"{block}.attention.{name}.weight"] = [128];
        foreach (var name in (string[])["attention_norm1", "attention_norm2", "ffn_norm1", "ffn_norm2"]) names[$"{block}.{name}.weight"] = [Width];
        foreach (var name in (string[])["w1", "w3"]) names[$"{block}.feed_forward.{name}.weight"] = [Inner, Width];
        names[$"{block}.feed_forward.w2.weight"] = [Width, Inner];
        if (isModulated) Linear(names, $"{block}.adaLN_modulation.0", 256, 15360);
    }

    private static void Linear(Dictionary<string, long[]> names, string name, long inputs, long outputs)
    {
        names[$"{name}.weight"] = [outputs, inputs];
        names[$"{name}.bias"] = [outputs];
    }
}
