using System.Text.Json.Nodes;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Rewards.GenevalShapes;
using LeapAlign.Testing;
using SkiaSharp;
using static TorchSharp.torch;

namespace LeapAlign.Prompts.Shapes.Tests;

public sealed class ShapesPromptsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("leapalign-shapes-");

    [Fact]
    public void A_judge_finds_each_picture_right_by_its_metadata()
    {
        using var scope = NewDisposeScope();
        var prompts = Read(new ShapesSettings { Captions = 120, Seed = 3, Pictures = "pictures" });
        var images = stack(prompts.Select(static prompt => Picture(prompt.Pictures.Single())));
        var scores = new GenevalShapesReward(new GenevalShapesSettings { Score = ShapesScore.Strict }).Score(images, prompts);
        Assert.All(scores.data<float>().Zip(prompts), static pair => Assert.True(pair.First == 1, pair.Second.Text));
    }

    [Fact]
    public void Captions_have_the_grammar_of_the_embedded_ones()
    {
        var known = new Dictionary<string, JsonNode>(StringComparer.Ordinal);
        foreach (var line in System.IO.File.ReadLines(Path.Combine(Repository.Models, "prompts", "shapes-train.jsonl")))
        {
            var entry = JsonNode.Parse(line)!;
            known[(string)entry["prompt"]!] = entry;
        }
        // There are few captions of the small families, so most of many drawn ones are known; the rest belong to evaluation.
        var prompts = Read(new ShapesSettings { Captions = 1200 });
        var found = prompts.Where(prompt => known.ContainsKey(prompt.Text)).ToList();
        Assert.True(found.Count > prompts.Count / 2, $"{found.Count} of {prompts.Count}");
        Assert.All(found, prompt => Assert.True(JsonNode.DeepEquals(JsonNode.Parse(prompt.Metadata!), known[prompt.Text]), prompt.Metadata));
        Assert.Equal(6, found.Select(static prompt => prompt.Task).Distinct().Count());
    }

    [Fact]
    public void Everything_follows_from_the_seed()
    {
        Assert.Equal(Texts(0), Texts(0));
        Assert.NotEqual(Texts(0), Texts(1));
        string[] Texts(long seed) => [.. Read(new ShapesSettings { Captions = 60, Seed = seed }).Select(static prompt => prompt.Text)];
    }

    [Fact]
    public void Pictures_are_drawn_once()
    {
        var settings = new ShapesSettings { Captions = 6, Pictures = "pictures" };
        var path = Read(settings)[2].Pictures.Single();
        var bytes = System.IO.File.ReadAllBytes(path);
        System.IO.File.WriteAllText(path, "mine");
        Read(settings);
        Assert.Equal("mine", System.IO.File.ReadAllText(path));
        System.IO.File.Delete(path);
        Read(settings);
        Assert.Equal(bytes, System.IO.File.ReadAllBytes(path));
        Assert.Equal(6, Directory.GetFiles(Path.GetDirectoryName(path)!).Length);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private IReadOnlyList<Prompt> Read(ShapesSettings settings) => Recording.Require(new ShapesPrompts(settings, path => Path.Combine(_folder.FullName, path)).Read());

    private static Tensor Picture(string path)
    {
        using var bitmap = SKBitmap.Decode(path);
        var pixels = new float[3, bitmap.Height, bitmap.Width];
        for (var y = 0; y < bitmap.Height; y++)
        {
            for (var x = 0; x < bitmap.Width; x++)
            {
                var color = bitmap.GetPixel(x, y);
                (pixels[0, y, x], pixels[1, y, x], pixels[2, y, x]) = (color.Red / 255f, color.Green / 255f, color.Blue / 255f);
            }
        }
        return tensor(pixels);
    }
}
