using System.Text;
using FsCheck;
using FsCheck.Xunit;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;
using LeapAlign.Testing;

namespace LeapAlign.Prompts.File.Tests;

public sealed class FilePromptsTests
{
    [Fact]
    public void Text_has_one_caption_a_line()
    {
        var prompts = Recording.Require(Parse("a.txt", "\uFEFFa red circle\r\n\n  two squares  \nein grüner Ring"));
        Assert.Equal(["a red circle", "two squares", "ein grüner Ring"], prompts.Select(static prompt => prompt.Text));
        Assert.Equal([0, 1, 2], prompts.Select(static prompt => prompt.Id));
        Assert.All(prompts, static prompt => Assert.Null(prompt.Metadata));
    }

    [Fact]
    public void Json_lines_keep_their_whole_object()
    {
        const string line = """{"tag": "counting", "include": [{"class": "circle", "count": 3}], "prompt": "three circles"}""";
        var prompt = Assert.Single(Recording.Require(Parse("a.JSONL", line + "\n\n")));
        Assert.Equal("three circles", prompt.Text);
        Assert.Equal(line, prompt.Metadata);
    }

    [Theory]
    [InlineData("shapes-train.jsonl")]
    [InlineData("shapes-eval.jsonl")]
    public void The_embedded_prompts_are_read_whole(string name)
    {
        var path = Path.Combine(Repository.Models, "prompts", name);
        var prompts = Recording.Require(new FilePrompts(path).Read());
        Assert.Equal(System.IO.File.ReadLines(path).Count(static line => line.Length > 0), prompts.Count);
    }

    [Theory]
    [InlineData("a.txt", "", FaultCodes.NoPrompts, 0)]
    [InlineData("a.txt", " \n\r\n\t", FaultCodes.NoPrompts, 0)]
    [InlineData("a.jsonl", "{\"prompt\": \"one\"}\n{\"prompt\": ", FaultCodes.BadPromptFile, 2)]
    [InlineData("a.jsonl", "[]", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.jsonl", "{\"text\": \"one\"}", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.jsonl", "\n{\"prompt\": 3}", FaultCodes.BadPromptFile, 2)]
    [InlineData("a.jsonl", "{\"prompt\": \" \"}", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.jsonl", "{\"prompt\": \"a\", \"prompt\": \"b\"}", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.jsonl", "{\"prompt\": \"\\ud800\"}", FaultCodes.BadPromptFile, 1)]
    public void Malformed_files_are_faults_with_their_line(string name, string content, string code, int line)
    {
        var fault = FaultOf(Parse(name, content));
        Assert.Equal(code, fault.Code);
        Assert.Equal(name, fault.Place?.File);
        Assert.Equal(line, fault.Place?.Line);
    }

    [Fact]
    public void Bytes_that_are_not_UTF8_are_a_fault_with_line_and_column()
    {
        var fault = FaultOf(new FilePrompts("a.txt").Parse([.. "one\ntw"u8, 0xC3, 0x28]));
        Assert.Equal(FaultCodes.NotUtf8, fault.Code);
        Assert.Equal((2, 3), (fault.Place!.Line, fault.Place.Column));
    }

    [Fact]
    public void An_absent_file_is_a_fault() => Assert.Equal(FaultCodes.BadPromptFile, FaultOf(new FilePrompts("/not/there.txt").Read()).Code);

    [Property(MaxTest = 2000)]
    public bool Random_bytes_never_throw(byte[] content, bool json)
    {
        var result = new FilePrompts(json ? "a.jsonl" : "a.txt").Parse(content);
        return result.Match(static prompts => prompts.Count > 0, static fault => fault.Code.StartsWith("LA4", StringComparison.Ordinal));
    }

    [Property(MaxTest = 2000)]
    public bool Damaged_json_lines_never_throw(PositiveInt at, byte replacement)
    {
        var content = "{\"prompt\": \"a red circle\", \"include\": [1, {\"x\": null}]}\n{\"prompt\": \"b\"}"u8.ToArray();
        content[at.Get % content.Length] = replacement;
        return new FilePrompts("a.jsonl").Parse(content).Match(static prompts => prompts.Count > 0, static fault => fault.Place?.Line > 0);
    }

    private static Result<IReadOnlyList<Prompt>> Parse(string name, string content) => new FilePrompts(name).Parse(Encoding.UTF8.GetBytes(content));

    private static Fault FaultOf<T>(Result<T> result) => result.Match(static _ => throw new InvalidOperationException("no fault"), static fault => fault);
}
