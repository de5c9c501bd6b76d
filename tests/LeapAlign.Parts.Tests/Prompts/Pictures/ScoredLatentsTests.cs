using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;
using LeapAlign.Testing;

namespace LeapAlign.Prompts.Pictures.Tests;

/// <summary>Rows of a log that name latents.</summary>
public sealed class ScoredLatentsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("scored-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("log.jsonl", """
        {"prompt": "a", "latents": "sub/1.safetensors", "score": 1}
        {"prompt": "b", "file": "2.png", "score": 2}
        {"prompt": "b", "latents": "many.safetensors", "latents_tensor": "x0", "latents_row": 7, "score": 3}
        {"prompt": "a", "file": "absent.png", "latents": "many.safetensors", "latents_row": "0", "latents_tensor": null, "score": 4}
        {"prompt": "c", "file": "2.png", "latents": null, "score": 5}
        """)]
    [InlineData("log.csv", "prompt,file,latents,latents_tensor,latents_row,score\na,,sub/1.safetensors,,,1\nb,2.png,,,,2\nb,,many.safetensors,x0,7,3\na,absent.png,many.safetensors,,0,4\nc,2.png,,,,5\n")]
    public void A_row_names_a_picture_or_its_latents(string name, string content)
    {
        Files("sub/1.safetensors", "2.png", "many.safetensors");
        Write(name, content);
        var prompts = Read(name);
        Assert.Equal(["a", "b", "c"], prompts.Select(static prompt => prompt.Text));
        Assert.Equal([At("sub/1.safetensors"), At("many.safetensors")], prompts[0].Pictures);
        Assert.Equal([(null, null), (null, 0)], prompts[0].Latents.Select(static one => (one!.Tensor, one.Row)));
        Assert.Equal([At("2.png"), At("many.safetensors")], prompts[1].Pictures);
        Assert.Null(prompts[1].Latents[0]);
        Assert.Equal(("x0", 7), (prompts[1].Latents[1]!.Tensor, prompts[1].Latents[1]!.Row));
        var line = name.EndsWith(".csv", StringComparison.Ordinal) ? 4 : 3;
        Assert.Equal((At(name), line, "latents"), (prompts[1].Latents[1]!.Place.File, prompts[1].Latents[1]!.Place.Line, prompts[1].Latents[1]!.Place.Key));
        Assert.Equal([At("2.png")], prompts[2].Pictures);
        Assert.Empty(prompts[2].Latents);
        Assert.Equal([1.0, 4, 2, 3, 5], prompts.SelectMany(static prompt => prompt.Scores));
    }

    [Fact]
    public void Another_field_may_hold_them_and_its_name_is_that_of_the_fields_beside_it()
    {
        Files("1.safetensors", "2.png");
        Write("log.csv", "prompt,file,latents,x,x_row,score\na,2.png,not read,1.safetensors,3,1\na,2.png,not read,,,2\n");
        var prompt = Assert.Single(Read("log.csv", static settings => settings with { Latents = "x" }));
        Assert.Equal([At("1.safetensors"), At("2.png")], prompt.Pictures);
        Assert.Equal((3, "x"), (prompt.Latents[0]!.Row, prompt.Latents[0]!.Place.Key));
    }

    [Theory]
    [InlineData("{\"latents\": \"absent.safetensors\"}", "latents", "the file of latents 'absent.safetensors' does not exist")]
    [InlineData("{\"latents\": \"../1.safetensors\"}", "latents", "the file of latents '../1.safetensors' is not in ")]
    [InlineData("{\"latents\": \"/etc/1.safetensors\"}", "latents", "is not in ")]
    [InlineData("{\"latents\": \"2.png\"}", "latents", "'2.png' is no file of latents; its name has to end in .safetensors")]
    [InlineData("{\"latents\": \"1\\u0000.safetensors\"}", "latents", "holds a zero character")]
    [InlineData("{\"latents\": 7}", "latents", "'latents' has to be text, but is a number")]
    [InlineData("{\"latents\": \"1.safetensors\", \"latents_tensor\": 7}", "latents_tensor", "'latents_tensor' has to be text, but is a number")]
    [InlineData("{\"latents\": \"1.safetensors\", \"latents_row\": -1}", "latents_row", "'latents_row' has to be a whole number from 0, but is '-1'")]
    [InlineData("{\"latents\": \"1.safetensors\", \"latents_row\": 1.5}", "latents_row", "but is '1.5'")]
    [InlineData("{\"latents\": \"1.safetensors\", \"latents_row\": true}", "latents_row", "but is true or false")]
    [InlineData("{\"file\": \"1.safetensors\"}", "file", "is no picture")]
    [InlineData("{\"latents\": \" \"}", null, "there is no 'file'")]
    public void What_is_not_as_it_should_be_is_named_with_file_line_and_field(string row, string? key, string words)
    {
        Files("1.safetensors", "2.png");
        Write("log.jsonl", "{\"prompt\": \"a\", \"file\": \"2.png\", \"score\": 0}\n{\"prompt\": \"a\", \"score\": 1, " + row[1..] + "\n");
        var fault = Source("log.jsonl", null).Read().Match(static _ => throw new InvalidOperationException("no fault"), static fault => fault);
        Assert.Equal((FaultCodes.BadPromptFile, At("log.jsonl"), 2, key), (fault.Code, fault.Place!.File, fault.Place.Line, fault.Place.Key));
        Assert.Contains(words, fault.Message, StringComparison.Ordinal);
    }

    private ScoredPictures Source(string name, Func<ScoredSettings, ScoredSettings>? change) =>
        new(At(name), (change ?? (static settings => settings))(new ScoredSettings { Path = name, Standardise = false, Group = 1 }));

    private IReadOnlyList<Prompt> Read(string name, Func<ScoredSettings, ScoredSettings>? change = null) => Recording.Require(Source(name, change).Read());

    private string At(string name) => Path.Combine(_folder, name);

    private void Files(params string[] names)
    {
        foreach (var name in names) Write(name, "");
    }

    private void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        System.IO.File.WriteAllText(At(name), text);
    }
}
