using LeapAlign.Adapters.Files;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Adapters;

/// <summary>Files that are not read, and what is said about them.</summary>
public sealed class RefusalTests : IDisposable
{
    private const string QueryA = $"transformer.{AdapterFiles.Query}.lora_A.weight";
    private const string QueryB = $"transformer.{AdapterFiles.Query}.lora_B.weight";
    private readonly AdapterFiles _files = new();

    [Theory]
    [InlineData("transformer.transformer_blocks.0.attn.to_q.lora_magnitude_vector", "DoRA")]
    [InlineData("lora_unet_double_blocks_0_img_attn_proj.dora_scale", "DoRA")]
    [InlineData("transformer.transformer_blocks.0.attn.to_q.lora_B.bias", "bias")]
    [InlineData("transformer.transformer_blocks.0.attn.to_q.lora_B.default.bias", "bias")]
    [InlineData("text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_A.weight", "text encoder")]
    [InlineData("text_encoder_2.text_model.encoder.layers.0.self_attn.q_proj.lora_A.weight", "text encoder")]
    [InlineData("lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_down.weight", "text encoder")]
    [InlineData("text_encoders.t5xxl.transformer.encoder.block.0.layer.0.SelfAttention.q.lora_up.weight", "text encoder")]
    [InlineData("lora_unet_double_blocks_0_img_attn_proj.lokr_w1", "LoKr")]
    [InlineData("lora_unet_double_blocks_0_img_attn_proj.hada_w1_a", "LoHa")]
    [InlineData("lora_unet_double_blocks_0_img_attn_proj.diff_b", "difference")]
    public void Tensors_of_another_kind_are_named(string key, string what)
    {
        var fault = AdapterFiles.Refused(_files.Write("a.safetensors", [.. AdapterFiles.Diffusers(AdapterFiles.Query), (key, ones(2))]));
        Assert.Equal((FaultCodes.UnsupportedAdapter, key), (fault.Code, fault.Place?.Key));
        Assert.Contains(what, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_another_model_names_ten_tensors_and_the_nearest_layers()
    {
        var fault = AdapterFiles.Refused(_files.Write("a.safetensors", Enumerable.Range(0, 6).SelectMany(static i => AdapterFiles.Diffusers($"transformer_blocks.{i + 3}.attn.to_v"))));
        Assert.Equal(FaultCodes.TensorMismatch, fault.Code);
        Assert.Contains("12 tensors belong to no layer of this model", fault.Message, StringComparison.Ordinal);
        Assert.Contains($"the nearest layers are {AdapterFiles.Value}", fault.Message, StringComparison.Ordinal);
        Assert.Equal(10, fault.Message.Split("'transformer.").Length - 1);
        Assert.Contains("(and 2 more)", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("base_model.model.transformer_blocks.0.attn.to_q.lora_A.weight", FaultCodes.ModelNotFound, "adapter_config.json")]
    [InlineData("transformer_blocks.0.attn.to_q.lora_A.weight", FaultCodes.TensorMismatch, AdapterFiles.Query)]
    [InlineData("lora_unet_joint_blocks_0_x_block_attn_qkv.lora_down.weight", FaultCodes.TensorMismatch, "no layer of this model")]
    [InlineData("transformer.transformer_blocks.0.attn.to_q.weight", FaultCodes.TensorMismatch, AdapterFiles.Query)]
    public void A_tensor_that_is_no_factor_is_a_fault(string key, string code, string word)
    {
        var fault = AdapterFiles.Refused(_files.Write("a.safetensors", [(key, AdapterFiles.Numbers(AdapterFiles.Rank, AdapterFiles.In))]));
        Assert.Equal(code, fault.Code);
        Assert.Contains(word, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(QueryA)]
    [InlineData(QueryB)]
    public void A_factor_without_the_other_is_a_fault(string there)
    {
        var fault = AdapterFiles.Refused(_files.Write("a.safetensors", AdapterFiles.Diffusers(AdapterFiles.Query).Where(entry => entry.Name == there)));
        Assert.Equal((FaultCodes.TensorMismatch, there), (fault.Code, fault.Place?.Key));
        Assert.Contains("is missing", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_alpha_without_factors_is_a_fault()
    {
        var key = $"transformer.{AdapterFiles.Query}.alpha";
        var fault = AdapterFiles.Refused(_files.Write("a.safetensors", [(key, tensor(2f))]));
        Assert.Equal((FaultCodes.TensorMismatch, key), (fault.Code, fault.Place?.Key));
    }

    [Theory]
    [InlineData(2, 6, 7, 2, QueryA)]
    [InlineData(2, 5, 8, 2, QueryB)]
    [InlineData(2, 5, 7, 3, QueryB)]
    [InlineData(9, 5, 7, 9, QueryA)]
    public void Shapes_that_do_not_fit_the_layer_are_named(long rank, long inputs, long outputs, long rankOfB, string key)
    {
        var fault = AdapterFiles.Refused(_files.Write("a.safetensors", [(QueryA, AdapterFiles.Numbers(rank, inputs)), (QueryB, AdapterFiles.Numbers(outputs, rankOfB))]));
        Assert.Equal((FaultCodes.ShapeMismatch, key), (fault.Code, fault.Place?.Key));
    }

    [Fact]
    public void Whole_numbers_are_no_factors()
    {
        var fault = AdapterFiles.Refused(_files.Write("a.safetensors", AdapterFiles.Diffusers(AdapterFiles.Query).Select(static entry => (entry.Name, entry.Value.to(int8)))));
        Assert.Equal(FaultCodes.TensorMismatch, fault.Code);
        Assert.Contains("Int8", fault.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Two_spellings_of_a_layer_are_a_fault()
    {
        const string other = "lora_transformer_transformer_blocks_0_attn_to_q";
        var fault = AdapterFiles.Refused(_files.Write("a.safetensors", [.. AdapterFiles.Diffusers(AdapterFiles.Query), .. AdapterFiles.Pair($"{other}.lora_down.weight", $"{other}.lora_up.weight")]));
        Assert.Equal(FaultCodes.TensorMismatch, fault.Code);
        Assert.Contains($"both belong to layer '{AdapterFiles.Query}'", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_adapters_are_a_fault()
    {
        var fault = AdapterFiles.Refused(_files.Write("a.safetensors", [
            .. AdapterFiles.Pair($"transformer.{AdapterFiles.Query}.lora_A.first.weight", $"transformer.{AdapterFiles.Query}.lora_B.first.weight"),
            .. AdapterFiles.Pair($"transformer.{AdapterFiles.Value}.lora_A.second.weight", $"transformer.{AdapterFiles.Value}.lora_B.second.weight")]));
        Assert.Contains("first, second", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Alphas_in_tensors_and_in_the_header_are_a_fault()
    {
        var alpha = $"transformer.{AdapterFiles.Query}.alpha";
        var fault = AdapterFiles.Refused(_files.Write("a.safetensors", [.. AdapterFiles.Diffusers(AdapterFiles.Query), (alpha, tensor(2f))],
            new Dictionary<string, string> { [LoraHeader.DiffusersKey] = """{"transformer.r": 2, "transformer.lora_alpha": 4}""" }));
        Assert.Equal((FaultCodes.UnsupportedAdapter, alpha), (fault.Code, fault.Place?.Key));
    }

    [Fact]
    public void Alphas_that_diffusers_leaves_out_are_a_fault()
    {
        var (layer, alpha) = ($"transformer.{AdapterFiles.Query}", $"transformer.{AdapterFiles.Query}.alpha");
        var fault = AdapterFiles.Refused(_files.Write("a.safetensors", [.. AdapterFiles.Pair($"{layer}.lora_down.weight", $"{layer}.lora_up.weight"), (alpha, tensor(1f))]));
        Assert.Equal((FaultCodes.UnsupportedAdapter, alpha), (fault.Code, fault.Place?.Key));
    }

    [Fact]
    public void A_field_of_a_header_that_is_not_known_and_asks_for_nothing_is_a_warning()
    {
        List<Fault> warnings = [];
        var path = _files.Write("a.safetensors", AdapterFiles.Diffusers(AdapterFiles.Query), new Dictionary<string, string> { [LoraHeader.DiffusersKey] = """{"transformer.r": 2, "transformer.lora_alpha": 2, "transformer.later": null}""" });
        using var weights = LoraFile.Read(path, AdapterFiles.Sites, warnings.Add).Match(static read => read, static fault => throw new InvalidOperationException(fault.ToString()));
        Assert.Equal((FaultCodes.UnknownField, "later"), (Assert.Single(warnings).Code, warnings[0].Place?.Key));
    }

    [Fact]
    public void Alphas_for_some_layers_alone_are_a_fault()
    {
        var fault = AdapterFiles.Refused(_files.Write("a.safetensors", [.. AdapterFiles.Diffusers(AdapterFiles.Query), .. AdapterFiles.Diffusers(AdapterFiles.Value), ($"transformer.{AdapterFiles.Query}.alpha", tensor(2f))]));
        Assert.Equal(FaultCodes.UnsupportedAdapter, fault.Code);
        Assert.Contains(AdapterFiles.Value, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"transformer.r": 3}""", FaultCodes.ShapeMismatch, "says 3")]
    [InlineData("""[1]""", FaultCodes.WrongModelClass, "not a JSON object")]
    [InlineData("""{"transformer.r": 2, "transformer.use_dora": true}""", FaultCodes.WrongModelClass, "use_dora")]
    [InlineData("""{"transformer.r": 2, "transformer.alpha_pattern": {"(": 2}}""", FaultCodes.WrongModelClass, "not a regular expression")]
    [InlineData("""{"transformer.r": 2, "transformer.lora_alpha": null}""", FaultCodes.WrongModelClass, "'lora_alpha' is null")]
    [InlineData("""{"transformer.r": 2, "transformer.alpha_pattern": null}""", FaultCodes.WrongModelClass, "'alpha_pattern' is null")]
    [InlineData("""{"transformer.r": 2, "transformer.use_later_scale": true}""", FaultCodes.UnsupportedAdapter, "'use_later_scale' of lora_adapter_metadata is true")]
    public void A_header_that_does_not_fit_is_a_fault(string text, string code, string word)
    {
        var fault = AdapterFiles.Refused(_files.Write("a.safetensors", AdapterFiles.Diffusers(AdapterFiles.Query), new Dictionary<string, string> { [LoraHeader.DiffusersKey] = text }));
        Assert.Equal(code, fault.Code);
        Assert.Contains(word, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"peft_type": "LORA", "r": 2, "target_modules": ["to_k"]}""", FaultCodes.TensorMismatch)]
    [InlineData("""{"peft_type": "LORA", "r": 2, "target_modules": ["o_q"]}""", FaultCodes.TensorMismatch)]
    [InlineData("""{"peft_type": "LORA", "r": 2, "target_modules": "attn\\.to_q"}""", FaultCodes.TensorMismatch)]
    [InlineData("""{"peft_type": "LORA", "r": 2, "target_modules": ["to_q"], "exclude_modules": ["attn.to_q"]}""", FaultCodes.TensorMismatch)]
    [InlineData("""{"peft_type": "LORA", "r": 2, "target_modules": ["to_q"], "layers_to_transform": [1, 2]}""", FaultCodes.TensorMismatch)]
    [InlineData("""{"peft_type": "LORA", "r": 2, "target_modules": ["to_q"], "layers_to_transform": 0, "layers_pattern": "layers"}""", FaultCodes.TensorMismatch)]
    [InlineData("""{"peft_type": "LORA", "r": 2}""", FaultCodes.WrongModelClass)]
    public void Factors_that_PEFT_would_leave_out_are_a_fault(string config, string code)
    {
        _files.Write(LoraFile.PeftFileName, AdapterFiles.Pair($"base_model.model.{AdapterFiles.Query}.lora_A.weight", $"base_model.model.{AdapterFiles.Query}.lora_B.weight"));
        var fault = AdapterFiles.Refused(_files.WriteConfig(config));
        Assert.Equal(code, fault.Code);
        Assert.Contains("target_modules", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Factors_of_diffusers_in_a_folder_of_PEFT_are_a_fault()
    {
        var path = _files.Write(LoraFile.PeftFileName, AdapterFiles.Diffusers(AdapterFiles.Query));
        AdapterFiles.Read(path).Dispose();
        var folder = _files.WriteConfig("""{"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["to_q"]}""");
        Assert.Equal(FaultCodes.UnsupportedAdapter, AdapterFiles.Refused(folder).Code);
        Assert.Contains(LoraConfig.FileName, AdapterFiles.Refused(path).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"r": 2, "target_modules": ["to_q"]}""", "peft_type")]
    [InlineData("""{"peft_type": null, "r": 2, "target_modules": ["to_q"]}""", "peft_type")]
    [InlineData("""{"peft_type": "LORA", "r": 2, "lora_alpha": null, "target_modules": ["to_q"]}""", "lora_alpha")]
    [InlineData("""{"peft_type": "LORA", "r": 2, "rank_pattern": null, "target_modules": ["to_q"]}""", "rank_pattern")]
    [InlineData("""{"peft_type": "LORA", "r": 2, "target_modules": ["to_q"], "layers_pattern": "transformer_blocks"}""", "layers_pattern")]
    [InlineData("""{"peft_type": "LORA", "r": 2, "target_modules": ".*to_q", "layers_to_transform": 0}""", "layers_to_transform")]
    public void A_folder_that_PEFT_does_not_open_is_a_fault(string config, string key)
    {
        _files.Write(LoraFile.PeftFileName, AdapterFiles.Pair($"base_model.model.{AdapterFiles.Query}.lora_A.weight", $"base_model.model.{AdapterFiles.Query}.lora_B.weight"));
        var fault = AdapterFiles.Refused(_files.WriteConfig(config));
        Assert.Equal((FaultCodes.WrongModelClass, key), (fault.Code, fault.Place?.Key));
    }

    [Fact]
    public void A_folder_without_a_known_file_says_what_is_looked_for()
    {
        var fault = AdapterFiles.Refused(_files.Folder);
        Assert.Equal(FaultCodes.ModelNotFound, fault.Code);
        Assert.Contains(LoraFile.FileName, fault.Message, StringComparison.Ordinal);
        Assert.Equal(FaultCodes.ModelNotFound, AdapterFiles.Refused(Path.Combine(_files.Folder, "none")).Code);
    }

    public void Dispose() => _files.Dispose();
}
