using FsCheck.Xunit;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Rewards.GenevalShapes.Judging;
using LeapAlign.Rewards.GenevalShapes.Metadata;
using LeapAlign.Shapes;
using LeapAlign.Testing;

namespace LeapAlign.Rewards.GenevalShapes.Tests;

/// <summary>The judge finds what was drawn.</summary>
public sealed class SceneTests
{
    [Property(MaxTest = 300)]
    public void What_was_drawn_is_found(int seed)
    {
        var scene = new Captioned(seed).Scene;
        AssertFound(scene, scene.Draw(), 1);
    }

    [Property(MaxTest = 4)]
    public void Whatever_the_size_of_the_picture(int seed)
    {
        var scene = new Captioned(seed).Scene;
        foreach (var scale in (double[])[0.75, 1.5, 3])
        {
            var size = (int)(Scene.Size * scale);
            AssertFound(scene, scene.Draw(size, size, scale), scale);
            AssertFound(scene, scene.Draw(size + (size / 2), size, scale), scale);
            AssertFound(scene, scene.Draw(size, size + (size / 2), scale), scale);
        }
    }

    [Property(MaxTest = 100)]
    public void A_picture_of_its_caption_is_right_and_a_spoiled_one_is_not(int seed)
    {
        var captioned = new Captioned(seed);
        var asked = Recording.Require(MetadataReader.Read(captioned.Prompt));
        var right = Judge(captioned.Scene.Draw());
        Assert.True(right.IsRight(asked));
        Assert.Equal(1, right.Grade(asked));
        foreach (var (what, spoiled) in captioned.Spoiled())
        {
            var wrong = Judge(spoiled.Draw());
            Assert.False(wrong.IsRight(asked), what);
            Assert.InRange(wrong.Grade(asked), 0, 0.99);
        }
    }

    [Property(MaxTest = 30)]
    public void Each_further_missing_item_lowers_the_grade(int seed)
    {
        var captioned = new Captioned(seed);
        var asked = Recording.Require(MetadataReader.Read(captioned.Prompt));
        var grades = Enumerable.Range(0, captioned.Scene.Items.Count + 1)
            .Select(missing => Judge((captioned.Scene with { Items = [.. captioned.Scene.Items.Skip(missing)] }).Draw()).Grade(asked)).ToList();
        Assert.Equal(grades.Distinct().OrderDescending(), grades);
        Assert.Equal(0, grades[^1]);
    }

    private static ObjectJudge Judge(PictureBytes picture) => new(ObjectFinder.Find(picture), ObjectFinder.Scale(picture));

    private static void AssertFound(Scene scene, PictureBytes picture, double scale)
    {
        var seen = ObjectFinder.Find(picture);
        Assert.Equal(scene.Items.Count, seen.Count);
        Assert.All(scene.Items, item =>
        {
            var (x, y) = (((item.X + 0.5) * scale) - 0.5, ((item.Y + 0.5) * scale) - 0.5);
            var found = seen.MinBy(candidate => double.Hypot(candidate.X - x, candidate.Y - y))!;
            Assert.Equal((item.Shape, item.Color), (found.Shape, found.Color));
            Assert.InRange(double.Hypot(found.X - x, found.Y - y), 0, 1);
        });
    }
}
