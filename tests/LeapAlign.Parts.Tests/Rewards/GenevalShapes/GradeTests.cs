using FsCheck.Xunit;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Rewards.GenevalShapes.Judging;
using LeapAlign.Rewards.GenevalShapes.Metadata;
using LeapAlign.Shapes;
using LeapAlign.Testing;

namespace LeapAlign.Rewards.GenevalShapes.Tests;

/// <summary>Verdict and grade of objects that are given.</summary>
public sealed class GradeTests
{
    private const string RedCircleAndBlueSquare = """[{"class": "circle", "count": 1, "color": "red"}, {"class": "square", "count": 1, "color": "blue"}]""";
    private const string FourStars = """[{"class": "star", "count": 4}]""";
    private const string SquareRightOfRing = """[{"class": "ring", "count": 1}, {"class": "square", "count": 1, "position": ["right of", 0]}]""";
    private const string SquaresBelowRings = """[{"class": "ring", "count": 2}, {"class": "square", "count": 2, "position": ["below", 0]}]""";

    // Objects are written as shape, colour and place.
    [Theory]
    [InlineData(RedCircleAndBlueSquare, "circle red 9 9, square blue 30 30", 1)]
    [InlineData(RedCircleAndBlueSquare, "", 0)]
    [InlineData(RedCircleAndBlueSquare, "circle red 9 9", 1.0 / 2)]
    [InlineData(RedCircleAndBlueSquare, "circle red 9 9, square green 30 30", 1.5 / 2)]
    [InlineData(RedCircleAndBlueSquare, "circle blue 9 9, square red 30 30", 1.0 / 2)]
    [InlineData(RedCircleAndBlueSquare, "circle red 9 9, ? blue 30 30", 1.0 / 2)]
    [InlineData(RedCircleAndBlueSquare, "circle red 9 9, square blue 30 30, ? black 50 50", 2.0 / 3)]
    [InlineData(RedCircleAndBlueSquare, "circle red 9 9, circle red 30 30", 1.0 / 2)]
    [InlineData(FourStars, "star red 9 9, star blue 30 30, star red 50 50", 3.0 / 4)]
    [InlineData(FourStars, "star red 9 9, star blue 30 30, star red 50 50, star pink 9 50", 1)]
    [InlineData(FourStars, "star red 9 9, star blue 30 30, star red 50 50, star pink 9 50, star red 50 9", 4.0 / 5)]
    [InlineData(SquareRightOfRing, "ring red 9 9, square blue 30 9", 1)]
    [InlineData(SquareRightOfRing, "ring red 9 9, square blue 12.01 9", 1)]
    [InlineData(SquareRightOfRing, "ring red 9 9, square blue 12 9", 2.0 / 3)]
    [InlineData(SquareRightOfRing, "ring red 30 9, square blue 9 9", 2.0 / 3)]
    [InlineData(SquareRightOfRing, "ring red 30 9", 1.0 / 3)]
    [InlineData(SquareRightOfRing, "ring red 9 9, square blue 30 9, square red 30 30", 2.0 / 3)]
    [InlineData(SquaresBelowRings, "ring red 9 9, ring red 40 20, square blue 9 40, square blue 40 50", 1)]
    [InlineData(SquaresBelowRings, "ring red 9 9, ring red 40 20, square blue 9 40, square blue 40 10", (4 + (2.0 / 4)) / 5)]
    [InlineData(SquaresBelowRings, "ring red 9 9, square blue 9 40", (2 + (1.0 / 4)) / 5)]
    public void Counts_what_is_right(string include, string objects, double grade)
    {
        var asked = Asked(include);
        var judge = new ObjectJudge(Objects(objects), 1);
        Assert.Equal(grade, judge.Grade(asked), 1e-12);
        Assert.Equal(grade == 1, judge.IsRight(asked));
    }

    [Theory]
    [InlineData("left of", "ring red 30 9, square blue 26 60", true)]
    [InlineData("left of", "ring red 30 9, square blue 34 9", false)]
    [InlineData("above", "ring red 9 30, square blue 60 26", true)]
    [InlineData("above", "ring red 9 30, square blue 9 34", false)]
    [InlineData("below", "ring red 9 30, square blue 60 34", true)]
    [InlineData("below", "ring red 9 30, square blue 9 26", false)]
    public void Relations_are_those_of_the_picture(string relation, string objects, bool right)
    {
        var asked = Asked($$"""[{"class": "ring", "count": 1}, {"class": "square", "count": 1, "position": ["{{relation}}", 0]}]""");
        Assert.Equal(right, new ObjectJudge(Objects(objects), 1).IsRight(asked));
        // In a picture of twice the size four pixels are not enough.
        Assert.False(new ObjectJudge(Objects(objects), 2).IsRight(asked));
    }

    [Fact]
    public void An_exclude_entry_is_violated_by_as_many_objects()
    {
        var judge = new ObjectJudge(Objects("circle red 9 9, circle blue 30 30"), 1);
        Assert.True(judge.IsRight(Asked("""[{"class": "circle", "count": 2}]""", """[{"class": "circle", "count": 3}]""")));
        var contradiction = Asked("""[{"class": "circle", "count": 2}]""", """[{"class": "circle", "count": 2}]""");
        Assert.False(judge.IsRight(contradiction));
        Assert.Equal(2.0 / 3, judge.Grade(contradiction), 1e-12);
        Assert.True(judge.IsRight(Asked("""[{"class": "circle", "count": 2}]""", """[{"class": "circle", "count": 2, "color": "red"}]""")));
    }

    [Property(MaxTest = 2000)]
    public void The_grade_is_1_exactly_when_the_verdict_is_right(int seed)
    {
        var random = new Random(seed);
        var captioned = new Captioned(seed);
        var asked = Recording.Require(MetadataReader.Read(captioned.Prompt));
        var right = captioned.Scene.Items.Select(static item => new SeenObject(item.Shape, item.Color, item.X, item.Y, 100, 1)).ToList();
        Assert.Equal((true, 1), Verdict(right, asked));
        List<SeenObject> changed = [.. right];
        for (var change = 0; change < 3; change++)
        {
            Change(changed, random);
            var (isRight, grade) = Verdict(changed, asked);
            Assert.InRange(grade, 0, 1);
            Assert.Equal(isRight, grade == 1);
            random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(changed));
            Assert.Equal((isRight, grade), Verdict(changed, asked));
            // One object more, of no shape, can only be wrong.
            var (_, crowded) = Verdict([.. changed, new SeenObject(null, ShapeColor.Red, 0, 0, 100, 0)], asked);
            Assert.True(crowded <= grade && crowded < 1);
        }
    }

    private static (bool IsRight, double Grade) Verdict(IReadOnlyList<SeenObject> seen, ShapesMetadata asked)
    {
        var judge = new ObjectJudge(seen, 1);
        return (judge.IsRight(asked), judge.Grade(asked));
    }

    private static void Change(List<SeenObject> objects, Random random)
    {
        var at = random.Next(objects.Count + 1);
        if (at == objects.Count)
        {
            objects.Add(new SeenObject((ShapeClass)random.Next(6), (ShapeColor)random.Next(8), random.Next(64), random.Next(64), 100, 1));
            return;
        }
        switch (random.Next(4))
        {
            case 0: objects.RemoveAt(at); break;
            case 1: objects[at] = objects[at] with { Shape = (ShapeClass)random.Next(6) }; break;
            case 2: objects[at] = objects[at] with { Color = (ShapeColor)random.Next(8) }; break;
            default: objects[at] = objects[at] with { X = random.Next(64), Y = random.Next(64) }; break;
        }
    }

    private static ShapesMetadata Asked(string include, string exclude = "[]") =>
        Recording.Require(MetadataReader.Read(new Prompt(0, "a picture", $$"""{"include": {{include}}, "exclude": {{exclude}}}""")));

    private static IReadOnlyList<SeenObject> Objects(string text) =>
    [
        .. text.Split(", ", StringSplitOptions.RemoveEmptyEntries).Select(static one => one.Split(' ')).Select(static words => new SeenObject(
            words[0] == "?" ? null : Enum.Parse<ShapeClass>(words[0], ignoreCase: true),
            Enum.Parse<ShapeColor>(words[1], ignoreCase: true),
            double.Parse(words[2], System.Globalization.CultureInfo.InvariantCulture),
            double.Parse(words[3], System.Globalization.CultureInfo.InvariantCulture),
            100,
            1)),
    ];
}
