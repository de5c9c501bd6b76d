using System.Reflection;
using LeapAlign.Pipeline;
using LeapAlign.Testing;

namespace LeapAlign.Architecture.Tests;

/// <summary>Rules that the sources keep.</summary>
public sealed class SourceTests
{
    private const int LongestFile = 300;

    [Fact]
    public void Every_fault_code_has_its_page_and_every_page_its_code()
    {
        var codes = typeof(FaultCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(static field => (string)field.GetRawConstantValue()!).Order(StringComparer.Ordinal).ToList();
        var pages = Directory.GetFiles(Path.Combine(Repository.Root, "docs", "faults"), "LA*.md").Select(static page => Path.GetFileNameWithoutExtension(page)).Order(StringComparer.Ordinal);
        Assert.Equal(codes.Distinct(), codes);
        Assert.Equal(codes, pages);
        var index = File.ReadAllText(Path.Combine(Repository.Root, "docs", "faults", "README.md"));
        Assert.All(codes, code => Assert.Contains(code, index, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_fault_code_is_raised_somewhere()
    {
        var text = string.Concat(Sources("contracts", "host", "plugins").Where(static file => !Path.GetFileName(file).StartsWith("FaultCodes.", StringComparison.Ordinal)).Select(File.ReadAllText));
        var names = typeof(FaultCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(static field => field.Name);
        Assert.All(names, name => Assert.Contains($"FaultCodes.{name}", text, StringComparison.Ordinal));
    }

    [Fact]
    public void Files_have_a_size_that_can_be_read()
    {
        var files = Sources("contracts", "host", "plugins", "bench", "samples").ToList();
        Assert.NotEmpty(files);
        Assert.All(files, static file => Assert.InRange(File.ReadLines(file).Count(), 1, LongestFile));
    }

    /// <summary>A file that a branch adds to a folder that moved meanwhile would be compiled by nobody.</summary>
    [Fact]
    public void Every_source_lies_in_the_folder_of_a_project()
    {
        string[] folders = ["contracts", "host", "plugins", "bench", "eng", "tests"];
        var projects = folders.SelectMany(static folder => Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.csproj", SearchOption.AllDirectories))
            .Select(static project => Path.GetDirectoryName(project)!).Append(Path.Combine(Repository.Root, "tests", "Shared")).ToList();
        var stray = Sources(folders).Where(file => !projects.Exists(project => file.StartsWith(project + Path.DirectorySeparatorChar, StringComparison.Ordinal)));
        Assert.Empty(stray);
    }

    private static IEnumerable<string> Sources(params string[] folders) => folders
        .SelectMany(static folder => Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories))
        .Where(static file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal));
}
