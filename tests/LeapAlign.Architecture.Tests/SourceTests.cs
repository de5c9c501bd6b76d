using System.Reflection;
using System.Text.RegularExpressions;
using LeapAlign.Pipeline;
using LeapAlign.Testing;

namespace LeapAlign.Architecture.Tests;

/// <summary>Rules that the sources keep.</summary>
public sealed partial class SourceTests
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

    /// <summary>The page of codes is ordered by exit codes: a script that looks there for what a fault ends with finds what it ends with.</summary>
    [Fact]
    public void Every_fault_code_stands_under_the_family_it_is_raised_in()
    {
        var text = string.Concat(Sources("contracts", "host", "plugins").Select(File.ReadAllText));
        var raised = Raised().Matches(text).ToLookup(static match => match.Groups["code"].Value, static match => match.Groups["family"].Value, StringComparer.Ordinal);
        var known = 0;
        foreach (var field in typeof(FaultCodes).GetFields(BindingFlags.Public | BindingFlags.Static))
        {
            var families = raised[field.Name].Distinct(StringComparer.Ordinal).ToList();
            if (families.Count == 0) continue; // Raised by a method that takes the code.
            var code = (string)field.GetRawConstantValue()!;
            Assert.True(families.Contains(Section(code), StringComparer.Ordinal), $"{code} stands under {Section(code)} of docs/faults/README.md and is raised as {string.Join(", ", families)}");
            known++;
            var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "faults", $"{code}.md"));
            if (ExitCode().Match(page) is { Success: true } ends) Assert.Equal(Section(code), ends.Groups["family"].Value);
        }
        Assert.True(known > 80, $"{known} codes were looked at");
    }

    [GeneratedRegex(@"Fault\.(?<family>\w+)\??(?: \w+\([^;{]*?\) => (?:[^;]*?\? )?new)?\(\s*FaultCodes\.(?<code>\w+)")]
    private static partial Regex Raised();

    [GeneratedRegex(@"^(?<family>\w+), exit code \d\.", RegexOptions.Multiline)]
    private static partial Regex ExitCode();

    private static string Section(string code)
    {
        var section = "";
        foreach (var line in File.ReadLines(Path.Combine(Repository.Root, "docs", "faults", "README.md")))
        {
            if (line.StartsWith("## ", StringComparison.Ordinal)) section = line[3..].Split(':', ',')[0];
            else if (line.StartsWith($"| [{code}]", StringComparison.Ordinal)) return section;
        }
        return section;
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
