using System.Text.Json;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Rewards.GenevalShapes.Judging;
using LeapAlign.Rewards.GenevalShapes.Metadata;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.GenevalShapes.Tests;

/// <summary>Agreement with an independent judge on recorded pictures.</summary>
public sealed class RecordedTests : IDisposable
{
    // What is recorded was rounded to three and to four places.
    private const double CentroidTolerance = 1e-3;
    private const double LikenessTolerance = 1e-4;

    private readonly RecordedPictures _recorded = new();

    [Fact]
    public void Every_object_is_seen_as_it_was_recorded() => Assert.All(_recorded.All, recorded =>
    {
        var seen = ObjectFinder.Find(recorded.Picture);
        Assert.Equal(recorded.Objects.Count, seen.Count);
        Assert.All(seen.Zip(recorded.Objects), static pair =>
        {
            var (found, expected) = pair;
            Assert.Equal(expected.GetProperty("shape").GetString(), found.Shape?.ToString().ToLowerInvariant() ?? "?");
            Assert.Equal(expected.GetProperty("color").GetString(), found.Color.ToString().ToLowerInvariant());
            Assert.Equal(expected.GetProperty("area").GetInt32(), found.Area);
            Assert.Equal(expected.GetProperty("cx").GetDouble(), found.X, CentroidTolerance);
            Assert.Equal(expected.GetProperty("cy").GetDouble(), found.Y, CentroidTolerance);
            Assert.Equal(expected.GetProperty("iou").GetDouble(), found.Likeness, LikenessTolerance);
        });
    });

    [Fact]
    public void Strict_is_the_recorded_verdict_and_graded_is_1_for_right_pictures_alone()
    {
        using var scope = NewDisposeScope();
        var prompts = _recorded.All.Select(static recorded => recorded.Prompt).ToList();
        var expected = _recorded.All.Select(static recorded => recorded.IsRight ? 1f : 0f).ToArray();
        var strict = new GenevalShapesReward(new GenevalShapesSettings { Score = ShapesScore.Strict }).Score(_recorded.Images, prompts);
        Assert.Equal(expected, strict.data<float>().ToArray());
        var graded = new GenevalShapesReward(new GenevalShapesSettings()).Score(_recorded.Images, prompts).data<float>().ToArray();
        Assert.All(graded, static score => Assert.InRange(score, 0, 1));
        Assert.Equal(expected, graded.Select(static score => score == 1 ? 1f : 0f));
        Assert.True(graded.Distinct().Count() > 3, "the graded score tells wrong pictures apart");
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void An_enlarged_picture_shows_the_same_objects(int factor) => Assert.All(_recorded.All, recorded =>
    {
        var small = ObjectFinder.Find(recorded.Picture);
        var large = ObjectFinder.Find(Enlarged(recorded.Picture, factor));
        Assert.Equal(small.Select(static seen => seen.Color), large.Select(static seen => seen.Color));
        Assert.All(small.Zip(large), pair =>
        {
            Assert.Equal(pair.First.Area * factor * factor, pair.Second.Area);
            Assert.Equal((pair.First.X + 0.5) * factor, pair.Second.X + 0.5, 1e-9);
            Assert.Equal((pair.First.Y + 0.5) * factor, pair.Second.Y + 0.5, 1e-9);
        });
    });

    [Fact]
    public void What_the_metadata_asks_for_is_read()
    {
        Assert.All(_recorded.All, static recorded =>
        {
            var asked = Recording.Require(MetadataReader.Read(recorded.Prompt));
            var entries = recorded.Verdict.GetProperty("include").EnumerateArray().ToList();
            Assert.Equal(entries.Count, asked.Include.Count);
            Assert.All(entries.Zip(asked.Include), static pair =>
            {
                Assert.Equal(pair.First.GetProperty("class").GetString(), pair.Second.Shape.ToString().ToLowerInvariant());
                Assert.Equal(pair.First.GetProperty("count").GetInt32(), pair.Second.Count);
                Assert.Equal(Optional(pair.First, "color")?.GetString(), pair.Second.Color?.ToString().ToLowerInvariant());
                Assert.Equal(Optional(pair.First, "position")?[1].GetInt32(), pair.Second.Place?.Of);
            });
        });
    }

    public void Dispose() => _recorded.Images.Dispose();

    private static JsonElement? Optional(JsonElement element, string key) => element.TryGetProperty(key, out var value) ? value : null;

    private static PictureBytes Enlarged(PictureBytes picture, int factor)
    {
        var (width, height) = (picture.Width * factor, picture.Height * factor);
        var rgb = new byte[width * height * 3];
        for (var pixel = 0; pixel < width * height; pixel++)
        {
            var source = (pixel / width / factor * picture.Width) + (pixel % width / factor);
            picture.Rgb.Span.Slice(source * 3, 3).CopyTo(rgb.AsSpan(pixel * 3));
        }
        return new PictureBytes(rgb, width, height);
    }
}
