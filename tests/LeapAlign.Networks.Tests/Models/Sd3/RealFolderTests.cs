using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LeapAlign.Contracts.Models;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;

namespace LeapAlign.Models.Sd3.Tests;

/// <summary>What goes wrong with folders of published models: shards, precisions, forms and sizes. One fault that names the file, before anything is computed.</summary>
public sealed class RealFolderTests : IDisposable
{
    private const string Weights = "transformer/diffusion_pytorch_model.safetensors";
    private const string Shard = "diffusion_pytorch_model-00001-of-00001.safetensors";
    private readonly string _folder = TestModel.Copy();

    [Fact]
    public void A_shard_that_is_missing_or_cut_short_is_named()
    {
        using (var source = Recording.Require(SafetensorsFile.Open(At(Weights))))
        {
            var map = new JsonObject(source.Entries.Keys.Select(static name => KeyValuePair.Create(name, (JsonNode?)Shard)));
            File.WriteAllText(At($"{Weights}.index.json"), new JsonObject { ["weight_map"] = map }.ToJsonString());
        }
        File.Move(At(Weights), At($"transformer/{Shard}"));
        using (TestModel.Open(_folder))
        {
            // Whole, it opens.
        }
        using (var file = File.OpenWrite(At($"transformer/{Shard}"))) file.SetLength(file.Length - 1);
        Expect(FaultCodes.DamagedWeights, Shard, "the data ends at byte");
        using (var file = File.OpenWrite(At($"transformer/{Shard}"))) file.SetLength(100);
        Expect(FaultCodes.DamagedWeights, Shard, "the header claims");
        File.Delete(At($"transformer/{Shard}"));
        Expect(FaultCodes.ShardMissing, "index.json", Shard);
    }

    [Theory]
    [InlineData("F8_E4M3")]
    [InlineData("F8_E5M2")]
    public void Weights_of_eight_bits_are_refused_with_what_is_read(string type)
    {
        var header = Encoding.UTF8.GetBytes($$$"""{"proj_out.bias":{"dtype":"{{{type}}}","shape":[16],"data_offsets":[0,16]} }""");
        var bytes = new byte[8 + header.Length + 16];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, header.Length);
        header.CopyTo(bytes, 8);
        File.WriteAllBytes(At(Weights), bytes);
        Expect(FaultCodes.DamagedWeights, Weights, $"the type '{type}' is not supported", "BF16", "take the weights in BF16, F16 or F32");
    }

    [Theory]
    [InlineData("sd3.5_medium.safetensors")]
    [InlineData("sd3.5-Q4_K.gguf")]
    [InlineData("model.ckpt")]
    public void A_checkpoint_in_one_file_is_refused_with_what_is_read(string file)
    {
        var alone = Path.Combine(_folder, "single");
        Directory.CreateDirectory(alone);
        File.WriteAllBytes(Path.Combine(alone, file), [1, 2, 3]);
        foreach (var named in (string[])[Path.Combine(alone, file), alone])
            Expect(TestModel.TryOpen(named), FaultCodes.ModelNotFound, $"'{file}' is a checkpoint in one file", "StableDiffusion3Pipeline", "model_index.json");
    }

    [Fact]
    public void A_pipeline_that_has_such_a_file_beside_it_opens()
    {
        File.WriteAllBytes(At("sd3.5_medium.safetensors"), [1, 2, 3]);
        using var model = TestModel.Open(_folder);
    }

    [Theory]
    [InlineData("transformer", "\"pos_embed_max_size\": 16", "\"pos_embed_max_size\": 24", "'pos_embed.pos_embed'")]
    [InlineData("transformer", "\"patch_size\": 2", "\"patch_size\": 1", "proj")]
    [InlineData("text_encoder", "\"intermediate_size\": 256", "\"intermediate_size\": 128", "fc1")]
    [InlineData("vae", "64\\s+\\]", "96]", "conv")]
    public void Weights_of_other_shapes_than_the_configuration_says_are_a_fault_before_any_product(string component, string pattern, string replacement, string tensor)
    {
        var config = File.ReadAllText(At($"{component}/config.json"));
        Assert.Matches(pattern, config);
        File.WriteAllText(At($"{component}/config.json"), Regex.Replace(config, pattern, replacement));
        Expect(FaultCodes.ShapeMismatch, component, tensor, "but config.json makes it");
    }

    [Theory]
    [InlineData(65, 64, "multiples of 8")]
    [InlineData(64, 136, "at most 128")]
    public void A_size_that_cannot_be_drawn_is_a_fault_with_its_key_before_weights_are_read(int width, int height, string words)
    {
        using (var model = TestModel.Open(_folder)) Assert.Equal(new ImageSize(64, 64), model.NativeSize);
        // Were weights read first, this would be the fault.
        File.Delete(At(Weights));
        var asked = new AskedSize(new ImageSize(width, height), new SourcePlace("plugins.json", Key: "evaluation.previews[0].size"));
        Expect(TestModel.TryOpen(new Sd3Settings { Folder = _folder }, sizes: [new AskedSize(new ImageSize(64, 64), null), asked]), FaultCodes.OutOfRange, $"plugins.json evaluation.previews[0].size: a picture of {width} x {height} does not fit this model", words);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void Expect(string code, params string[] words) => Expect(TestModel.TryOpen(_folder), code, words);

    private static void Expect(Result<Sd3Model> opened, string code, params string[] words)
    {
        var fault = opened.Match<Fault?>(static _ => null, static fault => fault);
        Assert.NotNull(fault);
        Assert.Equal(code, fault.Code);
        Assert.All(words, word => Assert.Contains(word, fault.ToString(), StringComparison.Ordinal));
    }

    private string At(string path) => Path.Combine(_folder, path);
}
