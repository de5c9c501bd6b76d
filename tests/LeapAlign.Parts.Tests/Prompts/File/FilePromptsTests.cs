using System.Text;
using FsCheck;
using FsCheck.Xunit;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;
using LeapAlign.Testing;

namespace LeapAlign.Prompts.File.Tests;

public sealed class FilePromptsTests
{
    private static readonly string[] s_endings = [".txt", ".json", ".jsonl", ".csv", ".tsv"];

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

    [Fact]
    public void A_folder_in_the_place_of_a_file_is_said_to_be_one()
    {
        var folder = Directory.CreateTempSubdirectory("prompts-");
        try
        {
            var fault = new FilePrompts(folder.FullName).Read().Match(static _ => null, static fault => (Fault?)fault);
            Assert.Equal((FaultCodes.BadPromptFile, "it is a folder; expected a file of captions"), (fault?.Code, fault?.Message));
        }
        finally
        {
            folder.Delete();
        }
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
    [InlineData("a.jsonl", "{\"line\": \"one\"}", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.jsonl", "{}", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.jsonl", "{\"prompt\": \"a\"}\n[\"b\"]", FaultCodes.BadPromptFile, 2)]
    [InlineData("a.jsonl", "{\"prompt\": \"a\"}\r{\"prompt\": \"b\"}", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.jsonl", "{\"prompt\": \"a\\u0000b\"}", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.jsonl", "{\"prompt\": \"a\", \"tag\": 3}", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.ndjson", "\n\n{\"prompt\": \"a\"", FaultCodes.BadPromptFile, 3)]
    [InlineData("a.json", "", FaultCodes.NoPrompts, 0)]
    [InlineData("a.json", " [ ] ", FaultCodes.NoPrompts, 0)]
    [InlineData("a.json", "{\"prompts\": [\"a\"]}", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.json", "\n{\"prompt\": \"a\"}\n{\"prompt\": \"b\"}", FaultCodes.BadPromptFile, 2)]
    [InlineData("a.json", "[\n\"a\",\n3]", FaultCodes.BadPromptFile, 3)]
    [InlineData("a.json", "[\n\"a\",\n\"\"]", FaultCodes.BadPromptFile, 3)]
    [InlineData("a.json", "[\n\"a\",\n\"\\udead\"]", FaultCodes.BadPromptFile, 3)]
    [InlineData("a.json", "[\"a\",\n{\"prompt\":\n null}]", FaultCodes.BadPromptFile, 2)]
    [InlineData("a.json", "[\"a\",\n\n", FaultCodes.BadPromptFile, 3)]
    [InlineData("a.json", "[\"a\"]\n]", FaultCodes.BadPromptFile, 2)]
    [InlineData("a.json", "[{\"prompt\": \"a\", \"prompt\": \"a\"}]", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.csv", "", FaultCodes.NoPrompts, 0)]
    [InlineData("a.csv", "prompt\n\n", FaultCodes.NoPrompts, 0)]
    [InlineData("a.csv", "a red circle\na ring\n", FaultCodes.BadPromptFile, 2)]
    [InlineData("a.csv", "id;prompt\n1;a\n", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.txt", "Caption\na ring\n", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.csv", "id,prompt\n1,\"x\ny\"\n\n2,\n", FaultCodes.BadPromptFile, 5)]
    [InlineData("a.csv", "id,prompt\n1,\"x\ny\"\n2,a ring, blue\n", FaultCodes.BadPromptFile, 4)]
    [InlineData("a.csv", "id,prompt\n1,x\n2\n", FaultCodes.BadPromptFile, 3)]
    [InlineData("a.csv", "id,prompt\n1,x\n2,\"open\n3,y\n", FaultCodes.BadPromptFile, 3)]
    [InlineData("a.csv", "id,prompt\n1,x\n2,\"a\"b\n", FaultCodes.BadPromptFile, 3)]
    [InlineData("a.csv", "id,prompt\n1,x\n\n\n2,\"a\"b\n3,y\n", FaultCodes.BadPromptFile, 5)]
    [InlineData("a.csv", "id,prompt\r\n1,x\r\n\r\n2,\"open\r\n3,y\r\n", FaultCodes.BadPromptFile, 4)]
    [InlineData("a.csv", "id,prompt\n1,\"x\ny\"\n2,an open \"quote\" here\n", FaultCodes.BadPromptFile, 4)]
    [InlineData("a.csv", "{\"prompt\": \"a\"}\n", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.csv", "prompt,prompt\na,b\n", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.csv", "id,prompt\n1,a\n2,a\u0001b\n", FaultCodes.BadPromptFile, 3)]
    [InlineData("a.tsv", "seed,prompt\n1,a\n", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.txt", "a ring\n[\n", FaultCodes.BadPromptFile, 2)]
    [InlineData("a.txt", "[\"a ring\", \"a star\"]", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.txt", "[\"a ring\",", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.txt", "['a ring', 'a star']", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.txt", "[1, 2]", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.txt", "a ring\n  {\n", FaultCodes.BadPromptFile, 2)]
    [InlineData("a.txt", "a ring\n},\n", FaultCodes.BadPromptFile, 2)]
    [InlineData("a.txt", "a ring\n  ]", FaultCodes.BadPromptFile, 2)]
    [InlineData("a.txt", "\n{\"prompt\": \"a ring\"}", FaultCodes.BadPromptFile, 2)]
    [InlineData("a.txt", "{ \"prompt\":", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.txt", "{}", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.txt", "[{", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.txt", "\"prompt\": \"a ring\",", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.txt", "id,prompt\n1,a ring", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.txt", "Prompt;seed\na ring;1", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.txt", "a ring\na star\t3", FaultCodes.BadPromptFile, 2)]
    [InlineData("a.txt", "a ring\n\0", FaultCodes.BadPromptFile, 2)]
    [InlineData("a.txt", "a ring\na\u001b[31m star", FaultCodes.BadPromptFile, 2)]
    [InlineData("a.txt", "a ring\n\uFEFFa star", FaultCodes.BadPromptFile, 2)]
    [InlineData("a.txt", "a ring\ra star", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.txt", "a ring\na star\ra cross\n", FaultCodes.BadPromptFile, 2)]
    [InlineData("a.txt", "a ring\r", FaultCodes.BadPromptFile, 1)]
    [InlineData("a.yaml", "- a ring", FaultCodes.BadPromptFile, 0)]
    [InlineData("a.parquet", "PAR1", FaultCodes.BadPromptFile, 0)]
    [InlineData("a.jsonl.gz", "x", FaultCodes.BadPromptFile, 0)]
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

    [Theory]
    [InlineData("a.csv", "\nid;prompt\n1;a ring, blue\n", 2, "';'")]
    [InlineData("a.csv", "sep=;\nid;prompt\n1;a ring\n", 1, "';'")]
    [InlineData("a.csv", "id\tprompt\n1\ta ring\n", 1, "to have a tab there")]
    [InlineData("a.tsv", "id,prompt\n1,a ring\n", 1, "to have a comma there")]
    [InlineData("a.csv", "a ring\na star\n", 2, "the first row of a table names its columns")]
    [InlineData("a.jsonl", "{\"prompt\": \"a\", \"seed\": 1, \"seed\": 2}", 1, "the key 'seed' twice")]
    [InlineData("a.json", "[{\"prompt\": \"a\", \"x\": {\"y\": 1, \"y\": 2}}]", 1, "an object inside has a key twice")]
    [InlineData("a.jsonl", "{\"x\": 1, \"x\": 2, \"\\ud800\": 3}", 1, "not valid text")]
    [InlineData("a.jsonl", "[\n{\"prompt\": \"a\"}\n]", 1, ".json")]
    public void A_fault_says_what_the_file_seems_to_be(string name, string content, int line, string words)
    {
        var fault = FaultOf(Parse(name, content));
        Assert.Equal((FaultCodes.BadPromptFile, line), (fault.Code, fault.Place!.Line));
        Assert.Contains(words, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_not_UTF8_are_a_fault_with_line_and_column()
    {
        var fault = FaultOf(new FilePrompts("a.txt").Parse([.. "one\ntw"u8, 0xC3, 0x28]));
        Assert.Equal(FaultCodes.NotUtf8, fault.Code);
        Assert.Equal((2, 3), (fault.Place!.Line, fault.Place.Column));
    }

    [Theory]
    [InlineData("a.json", """["a ring", {"caption": "a star", "seed": 3}]""")]
    [InlineData("a.json", "\uFEFF[\r\n  \"a ring\",\r\n  {\r\n    \"text\": \" a star \"\r\n  }\r\n]\r\n")]
    [InlineData("a.jsonl", "\"a ring\"\r\n{\"text\": \"a star\"}")]
    [InlineData("a.NDJSON", "{\"prompt\": \"a ring\"}\n{\"Caption\": \"a star\"}")]
    [InlineData("a.csv", "Prompt\r\na ring\r\na star\r\n")]
    [InlineData("a.csv", "\uFEFF,id, caption \n0,x,a ring\n\n1,,\"a star\"\n")]
    [InlineData("a.tsv", "text\tseed\na ring\t1\n\"a star\"\t2")]
    [InlineData("a.txt", "a ring\n\na star")]
    [InlineData("captions", "a ring\na star\n")]
    public void An_ending_says_how_a_file_is_read(string name, string content)
    {
        var prompts = Recording.Require(Parse(name, content));
        Assert.Equal(["a ring", "a star"], prompts.Select(static prompt => prompt.Text));
        Assert.Equal([0, 1], prompts.Select(static prompt => prompt.Id));
    }

    [Fact]
    public void Quotes_of_a_table_hold_separators_line_feeds_and_quotes()
    {
        var prompts = Recording.Require(Parse("a.csv", "id,prompt,tag\n1,\"a ring, \"\"blue\"\"\non\ta desk\",counting\n1,\"a ring, \"\"blue\"\"\non\ta desk\",\n"));
        Assert.All(prompts, static prompt => Assert.Equal("a ring, \"blue\"\non\ta desk", prompt.Text));
        Assert.Equal(["counting", null], prompts.Select(static prompt => prompt.Task));
        Assert.Equal("""{"id":"1","prompt":"a ring, \"blue\"\non\ta desk","tag":"counting"}""", prompts[0].Metadata);
    }

    [Fact]
    public void An_object_of_a_list_is_kept_as_it_is_written()
    {
        var prompt = Assert.Single(Recording.Require(Parse("a.json", "[ {\"tag\": \"counting\",\n  \"prompt\": \"é\"} ]")));
        Assert.Equal(("{\"tag\": \"counting\",\n  \"prompt\": \"é\"}", "counting"), (prompt.Metadata, prompt.Task));
    }

    [Theory]
    [InlineData("a.jsonl", """{"prompt": "a", "caption": "b", "Long": "c"}""", 1)]
    [InlineData("a.json", """[{"prompt": "a", "caption": "b", "Long": "c"}]""", 1)]
    [InlineData("a.csv", "prompt,caption,Long\na,b,c", 2)]
    [InlineData("a.tsv", "prompt\tcaption\tLong\na\tb\tc", 2)]
    public void The_caption_is_chosen_by_key_where_several_could_be_it(string name, string content, int line)
    {
        var fault = FaultOf(Parse(name, content));
        Assert.Equal((FaultCodes.BadPromptFile, line), (fault.Code, fault.Place!.Line));
        Assert.Contains("'prompt', 'caption'", fault.Message, StringComparison.Ordinal);
        Assert.Contains("\"key\": \"prompt\"", fault.Message, StringComparison.Ordinal);
        foreach (var (key, caption) in new[] { ("prompt", "a"), ("caption", "b"), ("Long", "c") })
            Assert.Equal(caption, Assert.Single(Recording.Require(new FilePrompts(name, key).Parse(Encoding.UTF8.GetBytes(content)))).Text);
        Assert.Contains("'prompt', 'caption', 'Long'", FaultOf(new FilePrompts(name, "long").Parse(Encoding.UTF8.GetBytes(content))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_of_a_file_without_fields_is_a_fault()
    {
        Assert.Equal(FaultCodes.BadPromptFile, FaultOf(new FilePrompts("a.txt", "prompt").Parse("a ring"u8.ToArray())).Code);
        Assert.Equal(FaultCodes.BadPromptFile, FaultOf(new FilePrompts("a.json", "prompt").Parse("[\"a ring\"]"u8.ToArray())).Code);
    }

    [Theory]
    [InlineData("[vector art] a ring")]
    [InlineData("[[blurry]] a ring")]
    [InlineData("{a red|a blue} ring")]
    [InlineData("{{best}}, a ring")]
    [InlineData("\"Hello\", says a sign")]
    [InlineData("\"a ring\"")]
    [InlineData("a sign: \"prompt\"")]
    [InlineData("prompt, written on a desk")]
    [InlineData("text, signature, 1girl")]
    [InlineData("# 1 fan")]
    [InlineData("(a ring:1.2), [a star::0.5]")]
    [InlineData("une étoile, 星, 😀")]
    public void A_caption_may_have_brackets_and_quotes(string caption) => Assert.Equal(caption, Assert.Single(Recording.Require(Parse("a.txt", caption))).Text);

    public static TheoryData<string, string> Encodings => new()
    {
        { "utf-16", "UTF-16 (little endian)" }, { "utf-16BE", "UTF-16 (big endian)" }, { "utf-32", "UTF-32 (little endian)" }, { "utf-32BE", "UTF-32 (big endian)" },
    };

    [Theory]
    [MemberData(nameof(Encodings))]
    public void Another_encoding_is_named_with_its_mark_or_without(string encoding, string name)
    {
        var other = Encoding.GetEncoding(encoding);
        foreach (var file in new[] { "a.txt", "a.jsonl", "a.json", "a.csv", "a.tsv" })
        {
            foreach (var text in new[] { "a ring\ntwo blue stars", "une étoile verte\n" })
            {
                foreach (byte[] mark in new[] { other.GetPreamble(), [] })
                {
                    var fault = FaultOf(new FilePrompts(file).Parse([.. mark, .. other.GetBytes(text)]));
                    Assert.Contains(fault.Code, new[] { FaultCodes.NotUtf8, FaultCodes.BadPromptFile });
                    Assert.Equal(1, fault.Place!.Line);
                    if (mark.Length > 0 || text[0] == 'a') Assert.Contains(name, fault.Message, StringComparison.Ordinal);
                }
            }
        }
    }

    [Fact]
    public void An_absent_file_is_a_fault() => Assert.Equal(FaultCodes.BadPromptFile, FaultOf(new FilePrompts("/not/there.txt").Read()).Code);

    [Property(MaxTest = 2000)]
    public bool Random_bytes_never_throw(byte[] content, PositiveInt ending)
    {
        var result = new FilePrompts("a" + s_endings[ending.Get % s_endings.Length]).Parse(content);
        return result.Match(static prompts => prompts.Count > 0, static fault => fault.Code.StartsWith("LA4", StringComparison.Ordinal));
    }

    [Property(MaxTest = 2000)]
    public bool Damaged_json_lines_never_throw(PositiveInt at, byte replacement)
    {
        var content = "{\"prompt\": \"a red circle\", \"include\": [1, {\"x\": null}]}\n{\"prompt\": \"b\"}"u8.ToArray();
        content[at.Get % content.Length] = replacement;
        return new FilePrompts("a.jsonl").Parse(content).Match(static prompts => prompts.Count > 0, static fault => fault.Place?.Line > 0);
    }

    [Property(MaxTest = 2000)]
    public bool Damaged_tables_never_throw(PositiveInt at, byte replacement, bool tabs)
    {
        var separator = tabs ? '\t' : ',';
        var content = Encoding.UTF8.GetBytes($"id{separator}prompt\n1{separator}\"a \"\"red\"\"\ncircle\"\n2{separator}b\n");
        content[at.Get % content.Length] = replacement;
        return new FilePrompts(tabs ? "a.tsv" : "a.csv").Parse(content).Match(static prompts => prompts.Count > 0, static fault => fault.Place?.Line > 0 || fault.Code == FaultCodes.NoPrompts);
    }

    [Property(MaxTest = 2000)]
    public bool Damaged_lists_never_throw(PositiveInt at, byte replacement)
    {
        var content = "[\"a ring\",\n{\"prompt\": \"a red circle\", \"include\": [1, {\"x\": null}]}]"u8.ToArray();
        content[at.Get % content.Length] = replacement;
        return new FilePrompts("a.json").Parse(content).Match(static prompts => prompts.Count > 0, static fault => fault.Place?.Line > 0);
    }

    private static Result<IReadOnlyList<Prompt>> Parse(string name, string content) => new FilePrompts(name).Parse(Encoding.UTF8.GetBytes(content));

    private static Fault FaultOf<T>(Result<T> result) => result.Match(static _ => throw new InvalidOperationException("no fault"), static fault => fault);
}
