using FsCheck;
using FsCheck.Xunit;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;
using LeapAlign.Testing;

namespace LeapAlign.Prompts.Pictures.Tests;

public sealed class PicturesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pictures-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Pictures_have_captions_in_text_files_of_their_names()
    {
        Write("b.png", "");
        Write("b.txt", "\uFEFF a blue square \r\n");
        Write("a.JPG", "");
        Write("a.txt", "ein grüner Ring");
        Write("c.d.webp", "");
        Write("c.d.txt", "two\nlines");
        Write("notes.md", "not a picture");
        var prompts = Recording.Require(new PictureFolder(_folder).Read());
        Assert.Equal(["ein grüner Ring", "a blue square", "two\nlines"], prompts.Select(static prompt => prompt.Text));
        Assert.Equal([0, 1, 2], prompts.Select(static prompt => prompt.Id));
        Assert.Equal([At("a.JPG"), At("b.png"), At("c.d.webp")], prompts.Select(static prompt => Assert.Single(prompt.Pictures)));
        Assert.All(prompts, static prompt => Assert.Null(prompt.Metadata));
    }

    [Fact]
    public void Metadata_names_pictures_and_captions_in_its_order()
    {
        Write("sub/one.png", "");
        Write("two.jpeg", "");
        Write("unnamed.png", "");
        const string first = """{"file_name": "two.jpeg", "text": "two circles", "extra": [1]}""";
        Write("metadata.jsonl", first + "\r\n\n" + """{"file_name": "sub/one.png", "prompt": "one"}""");
        var prompts = Recording.Require(new PictureFolder(_folder).Read());
        Assert.Equal(["two circles", "one"], prompts.Select(static prompt => prompt.Text));
        Assert.Equal([At("two.jpeg"), At("sub", "one.png")], prompts.Select(static prompt => Assert.Single(prompt.Pictures)));
        Assert.Equal(first, prompts[0].Metadata);
    }

    [Fact]
    public void Preferences_have_the_preferred_picture_first()
    {
        Write("good.png", "");
        Write("bad.webp", "");
        const string line = """{"prompt": " a red circle ", "rejected": "bad.webp", "preferred": "./good.png"}""";
        Write("pairs.jsonl", line + "\n" + line);
        var prompts = Recording.Require(new PreferenceFile(At("pairs.jsonl")).Read());
        Assert.Equal(2, prompts.Count);
        Assert.Equal([0, 1], prompts.Select(static prompt => prompt.Id));
        Assert.All(prompts, prompt =>
        {
            Assert.Equal("a red circle", prompt.Text);
            Assert.Equal([At("good.png"), At("bad.webp")], prompt.Pictures);
            Assert.Equal(line, prompt.Metadata);
        });
    }

    [Theory]
    [InlineData("""{"file_name": "a.png"}""", 1, null)]
    [InlineData("{\"file_name\": \"a.png\", \"text\": \"a\"}\n{\"text\": \"b\"}", 2, null)]
    [InlineData("""{"file_name": 3, "text": "a"}""", 1, "file_name")]
    [InlineData("""{"file_name": "a.png", "text": " "}""", 1, "text")]
    [InlineData("\n{\"file_name\": \"absent.png\", \"text\": \"a\"}", 2, "file_name")]
    [InlineData("""{"file_name": "a.gif", "text": "a"}""", 1, "file_name")]
    [InlineData("""{"file_name": "a\u0000.png", "text": "a"}""", 1, "file_name")]
    [InlineData("""{"file_name": "a.png", "text": "\ud800"}""", 1, "text")]
    [InlineData("""{"file_name": "a.png", "text": "a", "text": "b"}""", 1, null)]
    [InlineData("""{"file_name": "a.png", "text": "a", "x": [{"\ud83d": "", "y": 1}]}""", 1, null)]
    [InlineData("[]", 1, null)]
    [InlineData("""{"file_name": """, 1, null)]
    public void Malformed_metadata_is_a_fault_with_its_line(string content, int line, string? key)
    {
        Write("a.png", "");
        Write("a.gif", "");
        Write("metadata.jsonl", content);
        var fault = FaultOf(new PictureFolder(_folder).Read());
        Assert.Equal(FaultCodes.BadPromptFile, fault.Code);
        Assert.Equal((At("metadata.jsonl"), line, key), (fault.Place!.File, fault.Place.Line, fault.Place.Key));
    }

    [Theory]
    [InlineData("""{"preferred": "a.png", "rejected": "b.png"}""", null)]
    [InlineData("""{"prompt": "a", "preferred": "a.png"}""", null)]
    [InlineData("""{"prompt": "a", "preferred": "a.png", "rejected": "c.png"}""", "rejected")]
    [InlineData("""{"prompt": "a", "preferred": "c.png", "rejected": "a.png"}""", "preferred")]
    [InlineData("""{"prompt": 1, "preferred": "a.png", "rejected": "b.png"}""", "prompt")]
    [InlineData("""{"prompt": "a", "preferred": "a.png", "rejected": "b.png", "\udead": 1}""", null)]
    public void Malformed_preferences_are_a_fault_with_their_key(string content, string? key)
    {
        Write("a.png", "");
        Write("b.png", "");
        Write("pairs.jsonl", content);
        var fault = FaultOf(new PreferenceFile(At("pairs.jsonl")).Read());
        Assert.Equal((FaultCodes.BadPromptFile, 1, key), (fault.Code, fault.Place!.Line, fault.Place.Key));
    }

    [Theory]
    [InlineData("metadata.jsonl", "{\"file_name\": \"a.png\", \"text\": \"short\", \"caption\": \"long\"}")]
    [InlineData("metadata.csv", "file_name,text,caption\na.png,short,long\n")]
    public void Metadata_with_several_captions_says_which_by_key(string name, string content)
    {
        Write("a.png", "");
        Write(name, content);
        Assert.Contains("\"key\": \"text\"", FaultOf(new PictureFolder(_folder).Read()).Message, StringComparison.Ordinal);
        var prompt = Assert.Single(Recording.Require(new PictureFolder(_folder, "caption").Read()));
        Assert.Equal(("long", At("a.png")), (prompt.Text, Assert.Single(prompt.Pictures)));
    }

    [Theory]
    [InlineData("rows.csv", "caption,file,seed\n\"a ring, blue\",sub/a.png,3\n\na ring,b.webp,4\n")]
    [InlineData("rows.jsonl", "{\"file\": \"sub/a.png\", \"prompt\": \"a ring, blue\", \"seed\": \"3\"}\n\n{\"file\": \"./b.webp\", \"text\": \"a ring\", \"seed\": \"4\"}\n")]
    public void Captioned_pictures_lie_where_their_rows_say(string name, string content)
    {
        Write("sub/a.png", "");
        Write("b.webp", "");
        Write("c.png", "");
        Write(name, content);
        var prompts = Recording.Require(new CaptionedPictures(At(name)).Read());
        Assert.Equal(["a ring, blue", "a ring"], prompts.Select(static prompt => prompt.Text));
        Assert.Equal([At("sub", "a.png"), At("b.webp")], prompts.Select(static prompt => Assert.Single(prompt.Pictures)));
        Assert.Equal(["3", "4"], prompts.Select(static prompt => (string)System.Text.Json.Nodes.JsonNode.Parse(prompt.Metadata!)!["seed"]!));
    }

    [Theory]
    [InlineData("""{"caption": "a"}""", 1, null)]
    [InlineData("{\"file\": \"a.png\", \"caption\": \"a\"}\n\n{\"file\": \"absent.png\", \"caption\": \"b\"}", 3, "file")]
    [InlineData("""{"file": "a.gif", "caption": "a"}""", 1, "file")]
    [InlineData("""{"file": 3, "caption": "a"}""", 1, "file")]
    [InlineData("""{"file": "a.png", "caption": ""}""", 1, "caption")]
    [InlineData("""{"file": "a.png"}""", 1, null)]
    public void Malformed_rows_of_captioned_pictures_are_a_fault_with_their_line(string content, int line, string? key)
    {
        Write("a.png", "");
        Write("a.gif", "");
        Write("rows.jsonl", content);
        var fault = FaultOf(new CaptionedPictures(At("rows.jsonl")).Read());
        Assert.Equal((FaultCodes.BadPromptFile, At("rows.jsonl"), line, key), (fault.Code, fault.Place!.File, fault.Place.Line, fault.Place.Key));
    }

    [Theory]
    [InlineData("pairs.csv", "caption,preferred,rejected\n\"a ring, blue\",good.png,bad.png\n")]
    [InlineData("pairs.tsv", "caption\tpreferred\trejected\na ring, blue\tgood.png\tbad.png\n")]
    [InlineData("pairs.json", "[{\"text\": \"a ring, blue\", \"preferred\": \"good.png\", \"rejected\": \"bad.png\"}]")]
    [InlineData("pairs.ndjson", "{\"text\": \"a ring, blue\", \"preferred\": \"good.png\", \"rejected\": \"bad.png\"}")]
    public void Preferences_are_read_from_every_form_of_rows(string name, string content)
    {
        Write("good.png", "");
        Write("bad.png", "");
        Write(name, content);
        var prompt = Assert.Single(Recording.Require(new PreferenceFile(At(name)).Read()));
        Assert.Equal("a ring, blue", prompt.Text);
        Assert.Equal([At("good.png"), At("bad.png")], prompt.Pictures);
    }

    [Fact]
    public void What_is_no_caption_or_not_read_is_a_fault()
    {
        Write("a.png", "");
        foreach (var text in new[] { "[\n\"a\"\n]", "{\"prompt\": \"a\"}", "a\0b", "a\rb", "a\n\"caption\": \"b\"" })
        {
            Write("a.txt", text);
            Assert.Equal((FaultCodes.BadPromptFile, At("a.txt")), CodeAndFile(new PictureFolder(_folder).Read()));
        }
        Assert.Equal((FaultCodes.BadPromptFile, _folder), CodeAndFile(new PictureFolder(_folder, "caption").Read()));
        Write("pairs.txt", "a");
        Assert.Equal((FaultCodes.BadPromptFile, At("pairs.txt")), CodeAndFile(new PreferenceFile(At("pairs.txt")).Read()));
        Write("metadata.parquet", "PAR1");
        Assert.Equal((FaultCodes.BadPromptFile, At("metadata.parquet")), CodeAndFile(new PictureFolder(_folder).Read()));
        Write("metadata.jsonl", """{"file_name": "a.png", "text": "a"}""");
        Assert.Equal((FaultCodes.BadPromptFile, _folder), CodeAndFile(new PictureFolder(_folder).Read()));
    }

    [Fact]
    public void What_is_absent_is_a_fault_that_names_it()
    {
        Assert.Equal((FaultCodes.BadPromptFile, At("no")), CodeAndFile(new PictureFolder(At("no")).Read()));
        Assert.Equal((FaultCodes.BadPromptFile, At("no.jsonl")), CodeAndFile(new PreferenceFile(At("no.jsonl")).Read()));
        Assert.Equal((FaultCodes.NoPrompts, _folder), CodeAndFile(new PictureFolder(_folder).Read()));
        Write("empty.jsonl", " \n\n");
        Assert.Equal((FaultCodes.NoPrompts, At("empty.jsonl")), CodeAndFile(new PreferenceFile(At("empty.jsonl")).Read()));
        Write("a.png", "");
        var fault = FaultOf(new PictureFolder(_folder).Read());
        Assert.Equal((FaultCodes.BadPromptFile, At("a.png")), (fault.Code, fault.Place!.File));
        Assert.Contains("a.txt", fault.Message, StringComparison.Ordinal);
        Write("a.txt", " \n");
        Assert.Equal((FaultCodes.BadPromptFile, At("a.txt")), CodeAndFile(new PictureFolder(_folder).Read()));
    }

    [Fact]
    public void Bytes_that_are_not_UTF8_are_a_fault_with_line_and_column()
    {
        System.IO.File.WriteAllBytes(At("pairs.jsonl"), [.. "{}\n{\""u8, 0xC3, 0x28]);
        var fault = FaultOf(new PreferenceFile(At("pairs.jsonl")).Read());
        Assert.Equal((FaultCodes.NotUtf8, 2, 3), (fault.Code, fault.Place!.Line, fault.Place.Column));
    }

    [Property(MaxTest = 300)]
    public bool Damaged_lines_never_throw(PositiveInt at, byte replacement)
    {
        Write("a.png", "");
        var content = """{"prompt": "a red circle", "preferred": "a.png", "rejected": "a.png"}"""u8.ToArray();
        content[at.Get % content.Length] = replacement;
        System.IO.File.WriteAllBytes(At("pairs.jsonl"), content);
        return new PreferenceFile(At("pairs.jsonl")).Read().Match(static prompts => prompts.Count > 0, static fault => fault.Code.StartsWith("LA4", StringComparison.Ordinal));
    }

    [Fact]
    public void The_parts_provide_what_algorithms_ask_for()
    {
        var parts = new PicturesPlugin().Parts;
        Assert.Equal(["pictures", "captioned-pictures", "preferences", "scored"], parts.Select(static part => part.Id));
        Assert.Equal([Capabilities.Pictures], parts[0].Provides(parts[0].ReadSettings("""{"folder": "x"}""")));
        Assert.Equal([Capabilities.Pictures], parts[1].Provides(parts[1].ReadSettings("""{"captions": "x"}""")));
        Assert.Equal([Capabilities.PreferencePairs], parts[2].Provides(parts[2].ReadSettings("""{"path": "x"}""")));
    }

    private static (string Code, string? File) CodeAndFile(Result<IReadOnlyList<Prompt>> result) => (FaultOf(result).Code, FaultOf(result).Place?.File);

    private static Fault FaultOf<T>(Result<T> result) => result.Match(static _ => throw new InvalidOperationException("no fault"), static fault => fault);

    private string At(params string[] parts) => Path.Combine([_folder, .. parts]);

    private void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        System.IO.File.WriteAllText(At(name), text);
    }
}
