using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;
using LeapAlign.Testing;

namespace LeapAlign.Rewards.Clip.Tests;

/// <summary>Model folders: what a wrong one says, and what the plugin says of itself.</summary>
public sealed class FolderTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("leapalign-clip-");

    [Fact]
    public void An_absent_folder_is_a_fault() => AssertFault(FaultCodes.ModelNotFound, "nowhere");

    [Fact]
    public void Another_class_of_model_is_a_fault()
    {
        Copy(except: "config.json");
        File.WriteAllText(Path("config.json"), """{ "architectures": ["SiglipModel"] }""");
        AssertFault(FaultCodes.WrongModelClass, "SiglipModel");
    }

    [Fact]
    public void Absent_weights_are_a_fault()
    {
        Copy(except: "model.safetensors");
        AssertFault(FaultCodes.ModelNotFound, "weights");
    }

    [Fact]
    public void An_absent_vocabulary_is_a_fault()
    {
        Copy(except: "vocab.json");
        AssertFault(FaultCodes.BadTokenizer, "");
    }

    /// <summary>transformers gives such a caption other features when a longer one is beside it.</summary>
    [Fact]
    public void Captions_that_are_padded_before_their_words_are_a_fault()
    {
        Copy(except: "tokenizer_config.json");
        File.WriteAllText(Path("tokenizer_config.json"), """{ "padding_side": "left" }""");
        AssertFault(FaultCodes.BadTokenizer, "'padding_side' is \"left\"");
    }

    [Fact]
    public void Pictures_of_another_size_than_the_models_are_a_fault()
    {
        Copy(except: "preprocessor_config.json");
        File.WriteAllText(Path("preprocessor_config.json"), """{ "size": 9, "crop_size": 9 }""");
        AssertFault(FaultCodes.WrongModelClass, "9 x 9");
    }

    [Fact]
    public void A_folder_saved_by_transformers_5_scores_as_the_older_one()
    {
        Copy(except: "preprocessor_config.json");
        var fields = File.ReadAllText(System.IO.Path.Combine(Source, "preprocessor_config.json"));
        File.WriteAllText(Path("processor_config.json"), $$"""{ "image_processor": {{fields}}, "processor_class": "CLIPProcessor" }""");
        using var scope = TorchSharp.torch.NewDisposeScope();
        var images = TorchSharp.torch.linspace(0, 1, 2 * 3 * 80 * 64).view(2, 3, 80, 64);
        Prompt[] prompts = [new(0, "a red circle"), new(1, "a blue square")];
        float[] Scores(string folder)
        {
            using var reward = Recording.Require(ClipReward.Load(new ClipSettings { Model = folder }, new RewardCase().Context(_folder.FullName)));
            using var scores = reward.Score(images, prompts);
            return scores.data<float>().ToArray();
        }
        Assert.Equal(Scores(Source), Scores("model"));
    }

    [Fact]
    public void A_folder_that_says_nothing_of_pictures_is_a_fault()
    {
        Copy(except: "preprocessor_config.json");
        AssertFault(FaultCodes.ModelNotFound, "processor_config.json with 'image_processor', or preprocessor_config.json, has to be there");
    }

    [Fact]
    public void More_tokens_than_the_model_has_are_a_fault()
    {
        Copy(except: "config.json");
        var config = File.ReadAllText(System.IO.Path.Combine(Source, "config.json"));
        var vocabulary = System.Text.RegularExpressions.Regex.Replace(config, "\"vocab_size\": \\d+", "\"vocab_size\": 7");
        Assert.NotEqual(config, vocabulary);
        File.WriteAllText(Path("config.json"), vocabulary);
        AssertFault(FaultCodes.BadTokenizer, "7");
    }

    [Fact]
    public void The_plugin_offers_a_differentiable_reward_and_reads_its_settings()
    {
        var parts = new ClipPlugin().Parts;
        Assert.All(parts, static offered => Assert.Equal(PartKinds.Reward, offered.Kind));
        var part = parts.Single(static offered => offered.Id == "clip");
        var settings = Assert.IsType<ClipSettings>(part.ReadSettings("""{ "model": "somewhere", "scale": "logit" }"""));
        Assert.Equal(new ClipSettings { Model = "somewhere", Scale = ClipScale.Logit }, settings);
        Assert.Contains(Capabilities.DifferentiableReward, part.Provides(settings));
        Assert.Throws<System.Text.Json.JsonException>(() => part.ReadSettings("{}"));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static string Source => System.IO.Path.Combine(Repository.Models, "tiny-clip-reward");

    private string Path(string file) => System.IO.Path.Combine(_folder.FullName, "model", file);

    private void Copy(string except)
    {
        Directory.CreateDirectory(Path(""));
        foreach (var file in Directory.GetFiles(Source).Where(file => System.IO.Path.GetFileName(file) != except)) File.Copy(file, Path(System.IO.Path.GetFileName(file)));
    }

    private void AssertFault(string code, string word)
    {
        var result = ClipReward.Load(new ClipSettings { Model = Directory.Exists(Path("")) ? "model" : "nowhere" }, new RewardCase().Context(_folder.FullName));
        Assert.False(result.TryGet(out _, out var fault));
        Assert.Equal(code, fault!.Code);
        Assert.Contains(word, fault.ToString(), StringComparison.Ordinal);
    }
}
