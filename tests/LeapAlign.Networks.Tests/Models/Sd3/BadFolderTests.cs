using System.Text.RegularExpressions;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Pipeline;

namespace LeapAlign.Models.Sd3.Tests;

/// <summary>Model folders that are not what they should be: one fault that names the file, and nothing loaded.</summary>
public sealed class BadFolderTests : IDisposable
{
    private readonly string _folder = TestModel.Copy();

    [Fact]
    public void Absent_folder() => Expect(FaultCodes.ModelNotFound, "not-there", Path.Combine(_folder, "not-there"));

    [Fact]
    public void Absent_index()
    {
        File.Delete(At("model_index.json"));
        Expect(FaultCodes.ModelNotFound, "model_index.json");
    }

    [Theory]
    [InlineData("model_index.json", "StableDiffusion3Pipeline", "FluxPipeline")]
    [InlineData("transformer/config.json", "SD3Transformer2DModel", "FluxTransformer2DModel")]
    [InlineData("vae/config.json", "AutoencoderKL", "AutoencoderTiny")]
    public void Another_class(string file, string from, string to)
    {
        Replace(file, from, to);
        Expect(FaultCodes.WrongModelClass, to);
    }

    [Fact]
    public void Component_without_folder()
    {
        Directory.Delete(At("text_encoder_2"), recursive: true);
        Expect(FaultCodes.ModelNotFound, "text_encoder_2");
    }

    [Fact]
    public void Tokenizer_without_vocabulary()
    {
        File.Delete(At("tokenizer/vocab.json"));
        Expect(FaultCodes.BadTokenizer, "tokenizer");
    }

    [Fact]
    public void Absent_weights()
    {
        File.Delete(At("transformer/diffusion_pytorch_model.safetensors"));
        Expect(FaultCodes.ModelNotFound, "transformer");
    }

    [Theory]
    [InlineData("text_encoder")]
    [InlineData("text_encoder_3")]
    public void Text_encoder_with_an_adapter_that_the_library_would_put_on_it(string part)
    {
        File.WriteAllText(At($"{part}/adapter_config.json"), "{}");
        Expect(FaultCodes.UnsupportedAdapter, $"{part}/adapter_config.json: transformers puts the adapter");
    }

    [Fact]
    public void An_adapter_in_a_folder_of_diffusers_has_no_effect_as_there()
    {
        File.WriteAllText(At("transformer/adapter_config.json"), "{}");
        using var model = TestModel.Open(_folder);
    }

    [Fact]
    public void Truncated_weights()
    {
        using (var file = File.OpenWrite(At("vae/diffusion_pytorch_model.safetensors"))) file.SetLength(file.Length - 1);
        Expect(FaultCodes.DamagedWeights, "vae");
    }

    [Fact]
    public void Missing_and_misshapen_tensors()
    {
        Replace("transformer/config.json", "\"qk_norm\": \"rms_norm\"", "\"qk_norm\": null");
        Expect(FaultCodes.TensorMismatch, "norm_");
    }

    [Fact]
    public void Encoders_that_do_not_fit_the_transformer()
    {
        Replace("transformer/config.json", "\"joint_attention_dim\": ", "\"joint_attention_dim\": 1");
        Expect(FaultCodes.WrongModelClass, "the transformer takes");
    }

    [Theory]
    [InlineData("text_encoder")]
    [InlineData("text_encoder_2")]
    public void Text_encoder_without_projection(string part)
    {
        Replace($"{part}/config.json", "CLIPTextModelWithProjection", "CLIPTextModel");
        Expect(FaultCodes.WrongModelClass, $"{part}/config.json architectures: this is a CLIPTextModel, which has no projection");
    }

    [Theory]
    [InlineData("\"shift_factor\": null")]
    [InlineData("\"_shift\": 0")]
    public void Autoencoder_without_a_shift(string shift)
    {
        var config = File.ReadAllText(At("vae/config.json"));
        File.WriteAllText(At("vae/config.json"), Regex.Replace(config, "\"shift_factor\": [0-9.]+", shift));
        Expect(FaultCodes.WrongModelClass, "vae/config.json shift_factor: is null or absent");
        File.WriteAllText(At("vae/config.json"), Regex.Replace(config, "\"shift_factor\": [0-9.]+", "\"shift_factor\": 0"));
        using var model = TestModel.Open(_folder);
    }

    [Fact]
    public void Tokenizer_that_cuts_to_more_than_the_encoders_positions()
    {
        Replace("tokenizer/tokenizer_config.json", "\"model_max_length\": ", "\"model_max_length\": 9");
        Expect(FaultCodes.BadTokenizer, "model_max_length: the tokenizer cuts texts to 9");
    }

    [Fact]
    public void Caption_with_a_token_that_the_encoder_lacks()
    {
        Replace("tokenizer_3/tokenizer_config.json", "\"extra_ids\": 0", "\"extra_ids\": 3");
        using var model = TestModel.Open(_folder);
        model.Encode(new ConditioningRequest(["a red circle"], Guidance.None, model.NativeSize)).Dispose();
        var fault = Assert.Throws<FaultException>(() => model.Encode(new ConditioningRequest(["a <extra_id_1> circle"], Guidance.None, model.NativeSize))).Fault;
        Assert.Equal(FaultCodes.BadTokenizer, fault.Code);
        Assert.Contains("'text_encoder_3' knows only", fault.Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void Expect(string code, string mentions, string? folder = null)
    {
        var fault = TestModel.TryOpen(folder ?? _folder).Match<Fault?>(static _ => null, static fault => fault);
        Assert.NotNull(fault);
        Assert.Equal(code, fault.Code);
        Assert.Contains(mentions, fault.ToString(), StringComparison.Ordinal);
    }

    private string At(string path) => Path.Combine(_folder, path);

    private void Replace(string file, string from, string to)
    {
        var text = File.ReadAllText(At(file));
        Assert.Contains(from, text, StringComparison.Ordinal);
        File.WriteAllText(At(file), text.Replace(from, to, StringComparison.Ordinal));
    }
}
