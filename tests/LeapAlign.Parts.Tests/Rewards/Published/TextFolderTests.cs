using LeapAlign.Pipeline;
using LeapAlign.Rewards.Clip;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Published.Tests;

/// <summary>Text features that are kept between runs.</summary>
public sealed class TextFolderTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("leapalign-text-");
    private readonly PublishedCase _recorded = new("hpsv2");

    [Fact]
    public void A_later_run_has_the_same_bits_from_the_disk()
    {
        var first = Scores();
        Assert.Equal(_recorded.Texts.Count, Features().Length);
        Assert.Equal(first, Scores());
        // What is there is what is taken: other features in its place show.
        var context = PublishedCase.Context();
        var folder = Recording.Require(ClipFolder.Read(_recorded.Folder, context));
        var ids = Recording.Require(folder.Captions(asOpenClip: true, context.Warn)).Ids(_recorded.Texts[0]);
        var kept = Recording.Require(FeatureFolder.Open(Path.Combine(_folder.FullName, "text"), folder, context));
        kept.Keep(ids, new float[kept.Find(ids)!.Length]);
        Assert.Equal([0, .. first[1..]], Scores());
    }

    [Fact]
    public void Features_of_another_caption_do_not_count()
    {
        var first = Scores();
        var (one, other) = (Features()[0], Features()[1]);
        var own = File.ReadAllBytes(one);
        File.WriteAllBytes(one, File.ReadAllBytes(other));
        Assert.Equal(first, Scores());
        Assert.Equal(own, File.ReadAllBytes(one));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public void What_is_damaged_is_made_again(int length)
    {
        var first = Scores();
        foreach (var file in Features())
        {
            var content = File.ReadAllBytes(file);
            content[0] ^= 1;
            File.WriteAllBytes(file, length == 0 ? content : content[..length]);
        }
        Assert.Equal(first, Scores());
        Assert.Equal(first, Scores());
    }

    [Fact]
    public void Features_of_another_precision_or_model_are_others()
    {
        Scores();
        Scores(bfloat16);
        Assert.Equal(2 * _recorded.Texts.Count, Features().Length);
        var changed = Path.Combine(_folder.FullName, "model");
        Directory.CreateDirectory(changed);
        foreach (var file in Directory.GetFiles(_recorded.Folder)) File.Copy(file, Path.Combine(changed, Path.GetFileName(file)));
        Scores(model: changed);
        Assert.Equal(2 * _recorded.Texts.Count, Features().Length);
        var config = Path.Combine(changed, "open_clip_config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("\"embed_dim\"", "\"quick_gelu\": true, \"embed_dim\"", StringComparison.Ordinal));
        Scores(model: changed);
        Assert.Equal(3 * _recorded.Texts.Count, Features().Length);
    }

    [Fact]
    public void A_folder_that_cannot_be_is_a_fault()
    {
        var file = Path.Combine(_folder.FullName, "file");
        File.WriteAllText(file, "");
        var loaded = ClipReward.Load(new HpsSettings { Model = _recorded.Folder, TextFolder = Path.Combine(file, "text") }, PublishedCase.Context());
        Assert.Equal(FaultCodes.CannotWrite, loaded.Match(static _ => "", static fault => fault.Code));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private string[] Features() => Directory.GetFiles(Path.Combine(_folder.FullName, "text"), "*.features", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToArray();

    private float[] Scores(ScalarType type = ScalarType.Float32, string? model = null)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var reward = Recording.Require(ClipReward.Load(new HpsSettings { Model = model ?? _recorded.Folder, TextFolder = Path.Combine(_folder.FullName, "text") }, PublishedCase.Context(type)));
        var images = _recorded.Pictures(_recorded.Sizes[0]);
        return reward.Score(images, _recorded.Prompts(images.shape[0])).data<float>().ToArray();
    }
}
