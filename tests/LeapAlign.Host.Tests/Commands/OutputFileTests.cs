using System.Text;
using LeapAlign.Host.Commands;
using LeapAlign.Pipeline;
using LeapAlign.Testing;

namespace LeapAlign.Host.Tests.Commands;

/// <summary>Files that a user has written: through links, into what is no file, and never over what was read.</summary>
[Collection("process")]
public sealed class OutputFileTests : IDisposable
{
    private readonly TestWorkspace _workspace = new TestWorkspace().Write(TestWorkspace.Valid);
    private readonly ScoredFolder _folder = new();
    private readonly TestTerminal _terminal = new();

    public void Dispose()
    {
        _folder.Dispose();
        _workspace.Dispose();
    }

    [Fact]
    public void A_link_stays_a_link_and_what_it_leads_to_is_written()
    {
        var (file, link, toNothing) = (_folder.At("real.csv"), _folder.At("link.csv"), _folder.At("new.csv"));
        File.WriteAllText(file, "old");
        File.CreateSymbolicLink(link, "real.csv");
        File.CreateSymbolicLink(toNothing, "made.csv");
        foreach (var path in new[] { link, toNothing })
        {
            _ = OutputFile.CanBe(path).Value();
            _ = OutputFile.Write(path, "new"u8.ToArray()).Value();
            Assert.NotNull(new FileInfo(path).LinkTarget);
        }
        Assert.Equal("new", File.ReadAllText(file));
        Assert.Equal("new", File.ReadAllText(_folder.At("made.csv")));
    }

    [Fact]
    public void Links_in_a_circle_and_links_into_no_folder_cannot_be()
    {
        File.CreateSymbolicLink(_folder.At("a"), "b");
        File.CreateSymbolicLink(_folder.At("b"), "a");
        File.CreateSymbolicLink(_folder.At("c"), "nowhere/c");
        foreach (var name in new[] { "a", "c" })
        {
            OutputFile.CanBe(_folder.At(name)).Fault(FaultCodes.CannotWrite);
            OutputFile.Write(_folder.At(name), "x"u8.ToArray()).Fault(FaultCodes.CannotWrite);
        }
    }

    [Fact]
    public void A_pipe_is_written_into_and_stays_a_pipe()
    {
        var path = _folder.At("pipe");
        SpecialFile.Pipe(path);
        // Open for both, so that neither end waits for the other.
        using var pipe = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        _ = OutputFile.CanBe(path).Value();
        _ = OutputFile.Write(path, "a,b\n"u8.ToArray()).Value();
        Assert.Null(OutputFile.FolderOf(path));
        var read = new byte[16];
        Assert.Equal("a,b\n", Encoding.UTF8.GetString(read, 0, pipe.Read(read)));
    }

    [Fact]
    public void Looking_leaves_nothing_behind()
    {
        File.WriteAllText(_folder.At("s.csv"), "kept");
        _ = OutputFile.CanBe(_folder.At("s.csv")).Value();
        _ = OutputFile.CanBe(_folder.At("t.csv")).Value();
        Assert.Equal("kept", File.ReadAllText(_folder.At("s.csv")));
        Assert.Equal([_folder.At("s.csv")], Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(_folder.At("s.csv"))!));
    }

    [Theory]
    [InlineData("--csv 'rows.jsonl' would write over what --captions names", "score", "--captions", "rows.jsonl", "--csv", "rows.jsonl")]
    [InlineData("--csv './link.jsonl' would write over what --captions names", "score", "--captions", "rows.jsonl", "--csv", "./link.jsonl")]
    [InlineData("--json 'a.png' would write over what <pictures> names", "score", "a.png", "--caption", "x", "--json", "a.png")]
    [InlineData("--json 'plugins.json' would write over what --config names", "score", "a.png", "--caption", "x", "--json", "plugins.json")]
    [InlineData("--json and --csv both name './out'", "score", "a.png", "--caption", "x", "--json", "out", "--csv", "./out")]
    [InlineData("--csv 'rows.jsonl' would write over what --captions names", "likelihood", "--captions", "rows.jsonl", "--csv", "rows.jsonl")]
    [InlineData("--json 'rows.jsonl' would write over what <rows> names", "filter", "rows.jsonl", "--threshold", "1", "--json", "rows.jsonl")]
    [InlineData("--json 'rows.jsonl' would write over what --clean names", "filter", "a.jsonl", "--clean", "rows.jsonl", "--json", "rows.jsonl")]
    [InlineData("--effects 'rows.jsonl' would write over what --scores names", "fit", "head", "--scores", "rows.jsonl", "--ridge", "--effects", "rows.jsonl")]
    [InlineData("--rows 'plugins.json' would write over what --config names", "generate", "a cat", "--rows", "plugins.json")]
    [InlineData("--output 'plugins.json' would write over what --config names", "schema", "-o", "plugins.json")]
    [InlineData("--output 'plugins.json' would write over what --config names", "report", "runs/a", "-o", "plugins.json")]
    public void What_is_read_is_not_written_over(string words, params string[] arguments)
    {
        var before = Environment.CurrentDirectory;
        foreach (var (name, text) in new[] { ("rows.jsonl", """{"file":"a.png","caption":"x"}"""), ("a.png", "a"), ("plugins.json", TestWorkspace.Valid) }) File.WriteAllText(_folder.At(name), text);
        File.CreateSymbolicLink(_folder.At("link.jsonl"), "rows.jsonl");
        try
        {
            Environment.CurrentDirectory = Path.GetDirectoryName(_folder.At("a.png"))!;
            Assert.Equal(2, _terminal.Run(TestWorkspace.BuiltPlugins, arguments));
        }
        finally
        {
            Environment.CurrentDirectory = before;
        }
        Assert.StartsWith("error LA1009: command line: ", _terminal.Error, StringComparison.Ordinal);
        Assert.Contains(words, _terminal.Error, StringComparison.Ordinal);
        Assert.Equal(TestWorkspace.Valid, File.ReadAllText(_folder.At("plugins.json")));
    }
}
