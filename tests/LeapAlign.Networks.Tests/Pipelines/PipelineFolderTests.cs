using System.Text.Json.Nodes;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Models.Sd3.Tests;
using LeapAlign.Networks.Tokenizers;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Pipelines;
using LeapAlign.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Pipelines;

/// <summary>The folder of a family that is not SD3, made of the embedded model's parts: what of the library is for every family.</summary>
public sealed class PipelineFolderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("leapalign-flux-").FullName;
    private readonly PipelineFamily _family = PipelineFamilies.Flux;

    public PipelineFolderTests()
    {
        foreach (var (part, source) in ((string, string)[])
            [("scheduler", "scheduler"), ("vae", "vae"), ("transformer", "transformer"), ("tokenizer", "tokenizer"), ("text_encoder", "text_encoder"), ("tokenizer_2", "tokenizer_3"), ("text_encoder_2", "text_encoder_3")])
            Repository.CopyFolder(Path.Combine(TestModel.Folder, source), Path.Combine(_folder, part));
        WriteIndex(TestIndex.Flux());
        var config = Path.Combine(_folder, "text_encoder", "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("CLIPTextModelWithProjection", "CLIPTextModel", StringComparison.Ordinal));
    }

    [Fact]
    public void A_folder_of_another_family_opens_and_is_exported_file_by_file()
    {
        using var scope = NewDisposeScope();
        var source = Recording.Require(PipelineFolder.Open(_folder, _family));
        Assert.Equal(["transformer", "scheduler", "vae", "text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2"], source.Components);
        Assert.True(source.HasT5);
        Assert.Null(Recording.Require(source.ReadClipText("text_encoder")).Projection);
        using var weights = new WeightSet();
        weights.Root.Weight("weight", 3);
        weights.Allocate(CPU, ScalarType.Float32);
        var target = Path.Combine(_folder, "out");
        Recording.Require(new PipelineExport(source, weights, new ExportCard(512)).Write(new ExportRequest(target, null) { Weights = [ones(3)] }));
        var copied = Files(_folder).Where(static file => !file.StartsWith("out", StringComparison.Ordinal) && file != "transformer/diffusion_pytorch_model.safetensors").ToArray();
        Assert.Equal(copied.Append("README.md").Append("transformer/diffusion_pytorch_model.safetensors").Order(StringComparer.Ordinal), Files(target));
        Assert.All(copied, file => Assert.Equal(File.ReadAllBytes(Path.Combine(_folder, file)), File.ReadAllBytes(Path.Combine(target, file))));
    }

    [Theory]
    [InlineData("text_encoder_2", "[null, null]", "is missing")]
    [InlineData("text_encoder", "[\"transformers\", \"CLIPTextModelWithProjection\"]", "has to be transformers CLIPTextModel")]
    [InlineData("transformer", "[\"diffusers\", \"SD3Transformer2DModel\"]", "FluxTransformer2DModel")]
    [InlineData("_class_name", "\"StableDiffusion3Pipeline\"", "FluxPipeline")]
    public void Another_class_or_none_is_refused(string key, string value, string words)
    {
        var index = TestIndex.Flux();
        index[key] = JsonNode.Parse(value);
        WriteIndex(index);
        var fault = PipelineFolder.Open(_folder, _family).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal(FaultCodes.WrongModelClass, fault?.Code);
        Assert.Equal(key, fault!.Place?.Key);
        Assert.Contains(words, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Components_for_image_prompts_are_copied()
    {
        var index = TestIndex.Flux();
        index["image_encoder"] = new JsonArray("transformers", "CLIPVisionModelWithProjection");
        WriteIndex(index);
        Directory.CreateDirectory(Path.Combine(_folder, "image_encoder"));
        Assert.Equal("image_encoder", Recording.Require(PipelineFolder.Open(_folder, _family)).Components[^1]);
    }

    [Fact]
    public void An_encoder_with_projection_is_refused_where_features_are_taken_before_it()
    {
        Repository.CopyFolder(Path.Combine(TestModel.Folder, "text_encoder"), Path.Combine(_folder, "other"));
        File.Copy(Path.Combine(_folder, "other", "config.json"), Path.Combine(_folder, "text_encoder", "config.json"), overwrite: true);
        var fault = Recording.Require(PipelineFolder.Open(_folder, _family)).ReadClipText("text_encoder").Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal(FaultCodes.WrongModelClass, fault?.Code);
        Assert.Contains("text_encoder/config.json architectures: this is a CLIPTextModelWithProjection", fault!.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Captions_become_the_tokenizers_ids_and_one_that_is_cut_is_told_once(bool warns)
    {
        using var scope = NewDisposeScope();
        var tokenizer = Recording.Require(T5Tokenizer.Load(Path.Combine(_folder, "tokenizer_2")));
        List<Fault> warnings = [];
        var captions = new CaptionTokenizer { Tokenizer = tokenizer, Encoder = "text_encoder_2", Rows = tokenizer.VocabularySize, Length = 4, Warns = warns ? Context(warnings) : null };
        string[] texts = ["a red circle and a blue square and a green triangle", "a"];
        var ids = captions.Ids(texts);
        Assert.Equal([2, 4], ids.shape);
        Assert.Equal(texts.SelectMany(text => tokenizer.Encode(text, 4).Ids), ids.data<long>().ToArray());
        if (!warns)
        {
            Assert.Empty(warnings);
            return;
        }
        var warning = Assert.Single(warnings);
        Assert.Equal(FaultCodes.CaptionCut, warning.Code);
        Assert.Contains("is longer than the 4 tokens that 'flux' takes", warning.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sizes_of_pictures_latents_and_tokens_agree()
    {
        var grid = new PictureGrid(8, 2, 16);
        Assert.Equal(new ImageSize(1024, 1024), grid.Square(128));
        Assert.Equal([16, 64, 128], Recording.Require(grid.Latents(new ImageSize(1024, 512))).Shape);
        Assert.Equal(64 * 32, Recording.Require(grid.Latents(new ImageSize(1024, 512))).ImageTokens);
        foreach (var size in new[] { new ImageSize(1032, 512), new ImageSize(1024, 504), new ImageSize(0, 512), new ImageSize(1024, -16) })
            Assert.Equal(FaultCodes.OutOfRange, grid.Latents(size).Match<Fault?>(static _ => null, static fault => fault)?.Code);
        var bounded = grid with { LargestEdge = 64 };
        Assert.True(bounded.Latents(new ImageSize(1024, 1024)).IsOk);
        Assert.Contains("at most 1024", bounded.Latents(new ImageSize(1040, 1024)).Match<string?>(static _ => null, static fault => fault.Message), StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static PartContext Context(List<Fault> warnings) => new()
    {
        Name = "flux",
        BaseFolder = Repository.Root,
        Device = CPU,
        ComputeType = ScalarType.Float32,
        Logger = NullLogger.Instance,
        Warn = warnings.Add,
    };

    private static IEnumerable<string> Files(string folder) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(folder, path)).Order(StringComparer.Ordinal);

    private void WriteIndex(JsonObject index) => File.WriteAllText(Path.Combine(_folder, "model_index.json"), index.ToJsonString());
}
