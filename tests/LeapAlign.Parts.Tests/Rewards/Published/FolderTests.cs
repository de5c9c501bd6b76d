using LeapAlign.Pipeline;
using LeapAlign.Rewards.Clip;
using LeapAlign.Rewards.ImageReward;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Published.Tests;

/// <summary>Folders of published rewards: both layouts, and what a wrong folder says.</summary>
public sealed class FolderTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("leapalign-published-");

    [Fact]
    public void Pickled_weights_are_refused_with_the_line_that_converts_them()
    {
        var clip = Copy("hpsv2", "open_clip_model.safetensors");
        File.WriteAllText(Path.Combine(clip, "HPS_v2.1_compressed.pt"), "pickle");
        AssertFault(Hps(clip), FaultCodes.ModelNotFound, "torch.load('HPS_v2.1_compressed.pt'", "'open_clip_model.safetensors'");
        var blip = Copy("imagereward", "ImageReward.safetensors");
        File.WriteAllText(Path.Combine(blip, "ImageReward.pt"), "pickle");
        AssertFault(Blip(blip), FaultCodes.ModelNotFound, "torch.load('ImageReward.pt'", "'ImageReward.safetensors'");
        var head = Path.Combine(_folder.FullName, "head.pth");
        File.WriteAllText(head, "pickle");
        AssertFault(Aesthetic(head), FaultCodes.ModelNotFound, "torch.load('head.pth'", "'head.safetensors'");
    }

    [Fact]
    public void A_folder_without_configuration_says_which_there_may_be()
    {
        AssertFault(Hps(_folder.FullName), FaultCodes.ModelNotFound, "neither config.json", "open_clip_config.json");
        AssertFault(Hps(Path.Combine(_folder.FullName, "nowhere")), FaultCodes.ModelNotFound, "no such model folder");
    }

    [Theory]
    [InlineData("vocab.json")]
    [InlineData("merges.txt")]
    public void An_absent_tokenizer_is_a_fault(string file) => AssertFault(Hps(Copy("hpsv2", file)), FaultCodes.BadTokenizer, file);

    [Fact]
    public void An_absent_or_other_vocabulary_of_words_is_a_fault()
    {
        var folder = Copy("imagereward", "vocab.txt");
        AssertFault(Blip(folder), FaultCodes.BadTokenizer, "vocab.txt");
        File.WriteAllText(Path.Combine(folder, "vocab.txt"), "[PAD]\n[UNK]\n[CLS]\n[SEP]\nthe\n");
        AssertFault(Blip(folder), FaultCodes.BadTokenizer, "'[MASK]'");
        File.WriteAllLines(Path.Combine(folder, "vocab.txt"), ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", .. Enumerable.Range(0, 100_000).Select(static index => $"w{index}")]);
        AssertFault(Blip(folder), FaultCodes.BadTokenizer, "but the model only");
    }

    [Fact]
    public void A_cased_tokenizer_is_refused()
    {
        var folder = Copy("imagereward", "");
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{ "do_lower_case": false }""");
        AssertFault(Blip(folder), FaultCodes.WrongModelClass, "'do_lower_case' is false");
    }

    [Fact]
    public void A_head_of_another_width_is_refused()
    {
        using var scope = NewDisposeScope();
        void Write(string file, params (string Name, Tensor Value)[] tensors) =>
            Recording.Require(SafetensorsWriter.Write(Path.Combine(_folder.FullName, file), [.. tensors.Select(static tensor => new TensorToWrite(tensor.Name, tensor.Value, tensor.Value.dtype))], new Dictionary<string, string>()));
        Write("wide.safetensors", ("layers.0.weight", zeros(1, 7)), ("layers.0.bias", zeros(1)));
        AssertFault(Aesthetic(Path.Combine(_folder.FullName, "wide.safetensors")), FaultCodes.ShapeMismatch, "'layers.0.weight' is [1, 7]");
        var width = Recording.Require(SafetensorsFile.Open(new PublishedCase("aesthetic").Head)).Entries["layers.0.weight"].Shape[1];
        Write("many.safetensors", ("layers.0.weight", zeros(3, width)), ("layers.0.bias", zeros(3)));
        AssertFault(Aesthetic(Path.Combine(_folder.FullName, "many.safetensors")), FaultCodes.ShapeMismatch, "gives 3 numbers");
        Write("none.safetensors", ("other", zeros(1)));
        AssertFault(Aesthetic(Path.Combine(_folder.FullName, "none.safetensors")), FaultCodes.TensorMismatch, "not the head of a reward");
        Write("bare.safetensors", ("layers.0.weight", zeros(1, width)));
        AssertFault(Aesthetic(Path.Combine(_folder.FullName, "bare.safetensors")), FaultCodes.TensorMismatch, "'layers.0.bias' is missing");
    }

    [Fact]
    public void A_text_that_is_longer_than_the_model_reads_is_refused()
    {
        var folder = new PublishedCase("imagereward").Folder;
        AssertFault(BlipReward.Load(new ImageRewardSettings { Model = folder, TextLength = 512 }, PublishedCase.Context()), FaultCodes.OutOfRange, "textLength is 512");
    }

    [Fact]
    public void A_folder_with_both_layouts_is_read_as_transformers_and_hps_scores_captions_as_its_authors_do()
    {
        using var scope = NewDisposeScope();
        var recorded = new PublishedCase("hpsv2");
        var folder = Copy("pickscore", "");
        File.Copy(Path.Combine(recorded.Folder, "open_clip_config.json"), Path.Combine(folder, "open_clip_config.json"));
        using var hps = Recording.Require(Hps(folder));
        using var pick = Recording.Require(ClipReward.Load(new ClipSettings { Model = folder }, PublishedCase.Context()));
        var images = recorded.Pictures(recorded.Sizes[0]);
        Contracts.Prompts.Prompt[] plain = [new(0, recorded.Texts[0])], entity = [new(0, $"{recorded.Texts[0]} &lt;b&gt;")], written = [new(0, $"{recorded.Texts[0]} <b>")];
        float Score(ClipReward reward, Contracts.Prompts.Prompt[] prompts) => reward.Score(images.narrow(0, 0, 1), prompts).item<float>();
        Assert.Equal(Score(hps, written), Score(hps, entity));
        Assert.NotEqual(Score(pick, written), Score(pick, entity));
        Assert.NotEqual(Score(hps, plain), Score(hps, written));
    }

    [Fact]
    public void An_adapter_that_transformers_would_put_on_the_model_is_a_fault()
    {
        var folder = Copy("pickscore", "");
        File.WriteAllText(Path.Combine(folder, "adapter_config.json"), "{}");
        var fault = ClipReward.Load(new ClipSettings { Model = folder }, PublishedCase.Context()).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal((FaultCodes.UnsupportedAdapter, Path.Combine(folder, "adapter_config.json")), (fault?.Code, fault?.Place?.File));
    }

    [Fact]
    public void A_long_caption_is_cut_with_one_warning()
    {
        using var scope = NewDisposeScope();
        var recorded = new PublishedCase("imagereward");
        List<Fault> warnings = [];
        using var reward = (BlipReward)recorded.Reward(context: PublishedCase.Context(warn: warnings.Add));
        Contracts.Prompts.Prompt[] prompts = [new(0, string.Join(' ', Enumerable.Repeat("cat", 99)))];
        for (var turn = 0; turn < 2; turn++) reward.Score(recorded.Pictures(recorded.Sizes[0]).narrow(0, 0, 1), prompts);
        Assert.Equal(FaultCodes.CaptionCut, Assert.Single(warnings).Code);
    }

    [Fact]
    public void A_caption_may_spell_padding()
    {
        using var scope = NewDisposeScope();
        var recorded = new PublishedCase("imagereward");
        using var reward = (BlipReward)recorded.Reward();
        var image = recorded.Pictures(recorded.Sizes[0]).narrow(0, 0, 1);
        float Score(string text) => reward.Score(image, [new(0, text)]).item<float>();
        Assert.NotEqual(Score("a cat"), Score("a [PAD] cat"));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private string Copy(string name, string except)
    {
        var target = Directory.CreateDirectory(Path.Combine(_folder.FullName, Path.GetRandomFileName())).FullName;
        foreach (var file in Directory.GetFiles(Repository.Fixture(name)).Where(file => Path.GetFileName(file) != except && Path.GetExtension(file) is not (".pt" or ".pth"))) File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        return target;
    }

    private static Result<ClipReward> Hps(string folder) => ClipReward.Load(new HpsSettings { Model = folder }, PublishedCase.Context());

    private static Result<BlipReward> Blip(string folder) => BlipReward.Load(new ImageRewardSettings { Model = folder, TextLength = new PublishedCase("imagereward").Length }, PublishedCase.Context());

    private static Result<AestheticReward> Aesthetic(string head) => AestheticReward.Load(new AestheticSettings { Model = Path.Combine(Repository.Fixture("aesthetic"), "clip"), Head = head }, PublishedCase.Context());

    private static void AssertFault<T>(Result<T> result, string code, params string[] words)
    {
        Assert.False(result.TryGet(out _, out var fault));
        Assert.Equal(code, fault!.Code);
        Assert.All(words, word => Assert.Contains(word, fault.ToString(), StringComparison.Ordinal));
    }
}
