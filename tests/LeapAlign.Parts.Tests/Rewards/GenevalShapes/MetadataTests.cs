using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;
using LeapAlign.Rewards.GenevalShapes.Metadata;
using LeapAlign.Shapes;
using LeapAlign.Testing;

namespace LeapAlign.Rewards.GenevalShapes.Tests;

public sealed class MetadataTests
{
    [Theory]
    [InlineData(null, "caption alone")]
    [InlineData("", "'$'")]
    [InlineData("null", "null")]
    [InlineData("[]", "'$'")]
    [InlineData("{}", "'$'")]
    [InlineData("""{"include": null}""", "'$.include'")]
    [InlineData("""{"include": []}""", "include is empty")]
    [InlineData("""{"include": [null]}""", "include[0] is null")]
    [InlineData("""{"include": [{}]}""", "'$.include[0]'")]
    [InlineData("""{"include": [{"class": "circle"}]}""", "'$.include[0]'")]
    [InlineData("""{"include": [{"count": 1}]}""", "'$.include[0]'")]
    [InlineData("""{"include": [{"class": "circle", "count": "1"}]}""", "'$.include[0].count'")]
    [InlineData("""{"include": [{"class": "circle", "count": 1.5}]}""", "'$.include[0].count'")]
    [InlineData("""{"include": [{"class": "circle", "count": 0}]}""", "include[0].count is 0")]
    [InlineData("""{"include": [{"class": "circle", "count": 1, "count": 2}]}""", "include[0]")]
    [InlineData("""{"include": [{"class": "circle", "count": 1, "colour": "red"}]}""", "include[0]")]
    [InlineData("""{"include": [{"class": "circle", "count": 1}], "exclude": [{"class": "ring", "count": 1, "size": 3}]}""", "exclude[0]")]
    [InlineData("""{"include": [{"class": "dog", "count": 1}]}""", "include[0].class 'dog' is not one of circle, square, triangle, star, cross, ring")]
    [InlineData("""{"include": [{"class": "0", "count": 1}]}""", "include[0].class '0'")]
    [InlineData("""{"include": [{"class": "circle", "count": 1, "color": "brown"}]}""", "include[0].color 'brown' is not one of red, orange")]
    [InlineData("""{"include": [{"class": "circle", "count": 1, "position": "left of"}]}""", "include[0].position is not [relation, index]")]
    [InlineData("""{"include": [{"class": "circle", "count": 1, "position": ["left of"]}]}""", "include[0].position is not [relation, index]")]
    [InlineData("""{"include": [{"class": "circle", "count": 1, "position": ["left of", "0"]}]}""", "include[0].position is not [relation, index]")]
    [InlineData("""{"include": [{"class": "circle", "count": 1, "position": ["left of", 0]}]}""", "include[0].position names entry 0")]
    [InlineData("""{"include": [{"class": "ring", "count": 1}, {"class": "circle", "count": 1, "position": ["left of", 2]}]}""", "include[1].position names entry 2")]
    [InlineData("""{"include": [{"class": "ring", "count": 1}, {"class": "circle", "count": 1, "position": ["left of", -1]}]}""", "include[1].position names entry -1")]
    [InlineData("""{"include": [{"class": "ring", "count": 1}, {"class": "circle", "count": 1, "position": ["near", 0]}]}""", "'near' is not one of left of, right of, above, below")]
    [InlineData("""{"include": [{"class": "ring", "count": 1}, {"class": "ring", "count": 1, "color": "red"}]}""", "include[1] asks for objects that include[0] asks for")]
    [InlineData("""{"include": [{"class": "ring", "count": 1}], "exclude": [{"class": "dog", "count": 1}]}""", "exclude[0].class 'dog'")]
    [InlineData("""{"include": [{"class": "ring", "count": 1}], "exclude": [{"class": "ring", "count": 2, "position": ["left of", 0]}]}""", "exclude[0].position")]
    public void What_cannot_be_judged_is_a_fault_that_names_the_prompt(string? metadata, string expected)
    {
        var fault = MetadataReader.Read(new Prompt(17, "a thing", metadata)).Match(static _ => null!, static fault => fault);
        Assert.Equal(FaultCodes.BadPromptMetadata, fault.Code);
        Assert.StartsWith("prompt 17 'a thing': ", fault.Message, StringComparison.Ordinal);
        Assert.Contains(expected, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("LeapAlign.", fault.Message, StringComparison.Ordinal);
    }

    /// <summary>By it a host says how such a caption can be given.</summary>
    [Fact]
    public void A_caption_alone_names_the_key_that_it_lacks()
    {
        Assert.False(MetadataReader.Read(new Prompt(0, "a thing")).TryGet(out _, out var fault));
        Assert.Equal("include", fault.Place!.Key);
        Assert.False(MetadataReader.Read(new Prompt(0, "a thing", """{"include": []}""")).TryGet(out _, out fault));
        Assert.Null(fault.Place);
    }

    [Fact]
    public void Entries_are_read_with_their_colour_and_place()
    {
        var asked = Recording.Require(MetadataReader.Read(new Prompt(0, "", """
            {"tag": "position", "include": [{"class": "star", "count": 2, "color": "pink", "position": ["above", 1]}, {"class": "cross", "count": 1, "color": null}],
             "exclude": [{"class": "star", "count": 3}], "prompt": "a thing", "more": 1}
            """)));
        Assert.Equal(
            [new AskedObjects(ShapeClass.Star, 2, ShapeColor.Pink, new Place(Side.Above, 1)), new AskedObjects(ShapeClass.Cross, 1)], asked.Include);
        Assert.Equal([new AskedObjects(ShapeClass.Star, 3)], asked.Exclude);
    }

    [Fact]
    public void The_same_class_in_two_colours_can_be_asked_for() =>
        Assert.True(MetadataReader.Read(new Prompt(0, "", """{"include": [{"class": "ring", "count": 1, "color": "blue"}, {"class": "ring", "count": 1, "color": "red"}]}""")).IsOk);

    [Fact]
    public void Every_embedded_prompt_can_be_judged()
    {
        var lines = Directory.GetFiles(Path.Combine(Repository.Models, "prompts"), "shapes-*.jsonl").SelectMany(File.ReadLines).ToList();
        Assert.NotEmpty(lines);
        Assert.All(lines, static line => Recording.Require(MetadataReader.Read(new Prompt(0, "", line))));
    }
}
