using LeapAlign.Adapters.Files;
using LeapAlign.Contracts.Adapters;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Adapters;

/// <summary>How files spell layers, factors and scales.</summary>
public sealed class LayoutTests : IDisposable
{
    private readonly AdapterFiles _files = new();

    [Theory]
    [InlineData("transformer.transformer_blocks.0.attn.to_q.lora_A.weight", "transformer.transformer_blocks.0.attn.to_q.lora_B.weight", AdapterFiles.Query)]
    [InlineData("transformer.transformer_blocks.0.attn.to_q.lora_A.default.weight", "transformer.transformer_blocks.0.attn.to_q.lora_B.default.weight", AdapterFiles.Query)]
    [InlineData("transformer.transformer_blocks.0.attn.to_q.lora.down.weight", "transformer.transformer_blocks.0.attn.to_q.lora.up.weight", AdapterFiles.Query)]
    [InlineData("transformer.transformer_blocks.0.attn.processor.to_q_lora.down.weight", "transformer.transformer_blocks.0.attn.processor.to_q_lora.up.weight", AdapterFiles.Query)]
    [InlineData("transformer.transformer_blocks.0.attn.to_out_lora.down.weight", "transformer.transformer_blocks.0.attn.to_out_lora.up.weight", AdapterFiles.Output)]
    [InlineData("transformer.transformer_blocks.0.attn.to_q.lora_down.weight", "transformer.transformer_blocks.0.attn.to_q.lora_up.weight", AdapterFiles.Query)]
    [InlineData("lora_transformer_transformer_blocks_0_attn_to_out_0.lora_down.weight", "lora_transformer_transformer_blocks_0_attn_to_out_0.lora_up.weight", AdapterFiles.Output)]
    [InlineData("lora_unet_double_blocks_0_img_attn_proj.lora_down.weight", "lora_unet_double_blocks_0_img_attn_proj.lora_up.weight", AdapterFiles.Output)]
    [InlineData("diffusion_model.double_blocks.0.img_attn.proj.lora_A.weight", "diffusion_model.double_blocks.0.img_attn.proj.lora_B.weight", AdapterFiles.Output)]
    [InlineData("diffusion_model.img_in.lora_down.weight", "diffusion_model.img_in.lora_up.weight", "x_embedder")]
    public void A_layer_is_found_under_every_spelling(string a, string b, string module)
    {
        using var weights = AdapterFiles.Read(_files.Write("a.safetensors", AdapterFiles.Pair(a, b)));
        var (name, factors) = Assert.Single(weights.Modules);
        Assert.Equal(module, name);
        Agreement.Values(factors.Update(), AdapterFiles.Update(1), a);
    }

    [Theory]
    [InlineData("transformer.transformer_blocks.0.attn.to_q.alpha", "transformer.transformer_blocks.0.attn.to_q.lora_A.weight", "transformer.transformer_blocks.0.attn.to_q.lora_B.weight")]
    [InlineData("lora_unet_double_blocks_0_img_attn_proj.alpha", "lora_unet_double_blocks_0_img_attn_proj.lora_down.weight", "lora_unet_double_blocks_0_img_attn_proj.lora_up.weight")]
    public void An_alpha_over_the_rank_is_the_scale(string alpha, string a, string b)
    {
        using var weights = AdapterFiles.Read(_files.Write("a.safetensors", [.. AdapterFiles.Pair(a, b), (alpha, tensor(3.0f))]));
        Agreement.Values(Assert.Single(weights.Modules).Value.Update(), AdapterFiles.Update(3.0 / AdapterFiles.Rank), alpha);
    }

    [Fact]
    public void The_original_modulation_of_the_output_has_its_halves_in_the_other_order()
    {
        using var weights = AdapterFiles.Read(_files.Write("a.safetensors",
            AdapterFiles.Pair("lora_unet_final_layer_adaLN_modulation_1.lora_down.weight", "lora_unet_final_layer_adaLN_modulation_1.lora_up.weight", rows: 2 * AdapterFiles.Out)));
        var original = AdapterFiles.Update(1, rows: 2 * AdapterFiles.Out);
        Agreement.Values(weights.Modules["norm_out.linear"].Update(), cat([original.narrow(0, AdapterFiles.Out, AdapterFiles.Out), original.narrow(0, 0, AdapterFiles.Out)]), "norm_out.linear");
    }

    [Fact]
    public void Fused_factors_that_are_still_zero_keep_their_whole_rank()
    {
        const string layer = "lora_unet_double_blocks_0_img_attn_qkv";
        using var weights = AdapterFiles.Read(_files.Write("a.safetensors", [($"{layer}.lora_down.weight", AdapterFiles.Numbers(3, AdapterFiles.In)), ($"{layer}.lora_up.weight", zeros(3 * AdapterFiles.Out, 3))]));
        Assert.Equal(3, weights.Modules.Count);
        Assert.All(weights.Modules.Values, static factors => Assert.Equal(3, factors.Rank));
    }

    [Fact]
    public void Half_precision_is_read_into_single()
    {
        using var weights = AdapterFiles.Read(_files.Write("a.safetensors", AdapterFiles.Diffusers(AdapterFiles.Query).Select(static entry => (entry.Name, entry.Value.to(bfloat16)))));
        var factors = weights.Modules[AdapterFiles.Query];
        Assert.Equal((float32, float32), (factors.A.dtype, factors.B.dtype));
        Assert.True(factors.A.equal(AdapterFiles.Numbers(AdapterFiles.Rank, AdapterFiles.In).to(bfloat16).to(float32)).all().item<bool>());
    }

    [Fact]
    public void Layers_whose_output_nothing_reads_are_checked_and_left_out()
    {
        var read = AdapterFiles.Sites.Where(static site => site.Name != AdapterFiles.Query).ToArray();
        var path = _files.Write("a.safetensors", [.. AdapterFiles.Diffusers(AdapterFiles.Query), .. AdapterFiles.Diffusers(AdapterFiles.Value)]);
        using var weights = Recording.Require(LoraFile.Read(path, [new(AdapterFiles.Query, AdapterFiles.In, AdapterFiles.Out, SiteRole.Unread), .. read]));
        Assert.Equal([AdapterFiles.Value], weights.Modules.Keys);
        Assert.Contains(AdapterFiles.Query, AdapterFiles.Refused(path, read).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"peft_type": "LORA", "r": 2, "lora_alpha": 3, "target_modules": ["to_q", "to_v"]}""", 1.5, 1.5)]
    [InlineData("""{"peft_type": "LORA", "r": 2, "lora_alpha": 3, "use_rslora": true, "target_modules": ["to_q", "to_v"]}""", 2.1213203435596424, 2.1213203435596424)]
    [InlineData("""{"peft_type": "LORA", "r": 2, "lora_alpha": 3, "alpha_pattern": {"to_v": 5, "attn.to_v": 7}, "target_modules": ["to_q", "to_v"]}""", 1.5, 2.5)]
    [InlineData("""{"peft_type": "LORA", "r": 9, "lora_alpha": 3, "rank_pattern": {"blocks.0.attn.to_q": 9, "to_[qv]": 2}, "target_modules": ["to_q", "to_v"]}""", 1.5, 1.5)]
    [InlineData("""{"peft_type": "LORA", "r": 2, "lora_alpha": 3, "alpha_pattern": {"^attn.to_v": 5}, "target_modules": "all-linear"}""", 1.5, 1.5)]
    [InlineData("""{"peft_type": "LORA", "r": 2, "lora_alpha": 3, "layers_to_transform": 0, "layers_pattern": "transformer_blocks", "target_modules": ["attn.to_q", "transformer_blocks.0.attn.to_v"]}""", 1.5, 1.5)]
    [InlineData("""{"peft_type": "LORA", "r": 2, "target_modules": ".*attn\\.to_[qv]"}""", 4, 4)]
    public void The_scale_of_a_PEFT_folder_is_what_its_configuration_says(string config, double query, double value)
    {
        _files.Write(LoraFile.PeftFileName, new[] { AdapterFiles.Query, AdapterFiles.Value }.SelectMany(static module => AdapterFiles.Pair($"base_model.model.{module}.lora_A.weight", $"base_model.model.{module}.lora_B.weight")));
        using var weights = AdapterFiles.Read(_files.WriteConfig(config));
        Assert.Equal(query, weights.Modules[AdapterFiles.Query].Scale, 12);
        Assert.Equal(value, weights.Modules[AdapterFiles.Value].Scale, 12);
    }

    [Fact]
    public void A_header_of_diffusers_goes_by_its_tensors_and_not_by_target_modules()
    {
        var header = new Dictionary<string, string> { [LoraHeader.DiffusersKey] = """{"transformer.r": 2, "transformer.lora_alpha": 3, "transformer.target_modules": ["to_k"], "text_encoder.r": 4}""" };
        using var weights = AdapterFiles.Read(_files.Write(LoraFile.FileName, AdapterFiles.Diffusers(AdapterFiles.Query), header));
        Assert.Equal(1.5, weights.Modules[AdapterFiles.Query].Scale);
    }

    public void Dispose() => _files.Dispose();
}
