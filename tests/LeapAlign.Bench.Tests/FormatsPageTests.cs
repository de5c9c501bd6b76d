using LeapAlign.Bench.Formats;
using LeapAlign.Testing;

namespace LeapAlign.Bench.Tests;

/// <summary>docs/formats.md is what the tables say.</summary>
public class FormatsPageTests
{
    [Fact]
    public void The_page_is_current()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "formats.md"));
        Assert.True(page == FormatsPage.Text(), "docs/formats.md is not up to date: dotnet run --project bench/LeapAlign.Bench -- formats docs/formats.md writes it");
    }

    [Fact]
    public void The_page_has_every_field_once_in_its_file()
    {
        var sections = FormatsPage.Text().Split("\n## ");
        Assert.All(FormatsPage.Formats, format =>
        {
            var section = Assert.Single(sections, section => section.StartsWith($"{FormatsPage.Heading(format)}\n", StringComparison.Ordinal));
            Assert.All(format.Fields, field => Assert.Equal(2, section.Split($"`{field.Name}`").Length));
        });
    }

    [Fact]
    public void Files_of_one_name_have_headings_of_their_own()
    {
        var headings = FormatsPage.Text().Split('\n').Where(static line => line.StartsWith("## ", StringComparison.Ordinal)).ToArray();
        Assert.Equal(headings.Length, headings.Distinct().Count());
    }
}
