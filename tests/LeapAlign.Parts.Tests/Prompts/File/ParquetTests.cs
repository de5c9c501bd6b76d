using System.Text.Json.Nodes;
using LeapAlign.Pipeline;
using LeapAlign.Prompts.Pictures;
using LeapAlign.Testing;

namespace LeapAlign.Prompts.File.Tests;

/// <summary>Parquet files that Apache Arrow wrote, which is what pandas and datasets write with: two row groups, four rows.</summary>
public sealed class ParquetTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("leapalign-parquet-").FullName;

    [Theory]
    [InlineData("plain")]
    [InlineData("snappy")]
    [InlineData("zstd")]
    public void Rows_are_those_that_json_lines_would_have(string compression)
    {
        var prompts = Recording.Require(new FilePrompts(Fixture(compression)).Read());
        Assert.Equal(["a red circle", "a red circle", "grüner \"Ring\"", "grüner \"Ring\""], prompts.Select(static prompt => prompt.Text));
        Assert.Equal([0, 1, 2, 3], prompts.Select(static prompt => prompt.Id));
        Assert.Equal(["colors", null, null, "two"], prompts.Select(static prompt => prompt.Task));
        var rows = prompts.Select(static prompt => JsonNode.Parse(prompt.Metadata!)!.AsObject()).ToList();
        // Bytes and lists are left out, null is null, and whole numbers have all their digits.
        Assert.Equal(["prompt", "file", "score", "aesthetic", "seed", "nsfw", "tag", "made"], rows[0].Select(static pair => pair.Key));
        Assert.Equal(["0.5", "-1.25", "null", "0.001"], rows.Select(static row => row["score"]?.ToJsonString() ?? "null"));
        Assert.Equal(["0.1", "\"NaN\"", "3", "2"], rows.Select(static row => row["aesthetic"]!.ToJsonString()));
        Assert.Equal(["1", "-2", "9007199254740993", "4"], rows.Select(static row => row["seed"]!.ToJsonString()));
        Assert.Equal(["true", "false", "false", "true"], rows.Select(static row => row["nsfw"]!.ToJsonString()));
        Assert.StartsWith("2026-01-02T03:04:05", (string)rows[0]["made"]!, StringComparison.Ordinal);
        Assert.Equal(["a red circle", "a red circle"], Recording.Require(new FilePrompts(Fixture(compression), "prompt").Read()).Take(2).Select(static prompt => prompt.Text));
    }

    [Fact]
    public void A_log_of_scores_is_read()
    {
        var path = Copied("log.parquet");
        foreach (var picture in new[] { "a.png", "b.png" }) System.IO.File.WriteAllBytes(Path.Combine(_folder, picture), []);
        var settings = new ScoredSettings { Path = path, Standardise = false };
        var missing = Fault(new ScoredPictures(path, settings).Read());
        Assert.Equal((FaultCodes.BadScore, 3), (missing.Code, missing.Place?.Line));
        List<Fault> told = [];
        var prompt = Assert.Single(Recording.Require(new ScoredPictures(path, settings with { Missing = MissingScore.LeaveOut }, told.Add).Read()));
        Assert.Equal("a red circle", prompt.Text);
        Assert.Equal([0.5, -1.25], prompt.Scores);
        Assert.Equal(["a.png", "b.png"], prompt.Pictures.Select(static picture => Path.GetFileName(picture)));
        Assert.NotEmpty(told);
        // A column that is no text is no caption, and one of bytes or lists is none at all.
        Assert.Contains("'seed' has to be text", Fault(new FilePrompts(path, "seed").Read()).Message, StringComparison.Ordinal);
        Assert.Contains("there is no 'thumb'", Fault(new FilePrompts(path, "thumb").Read()).Message, StringComparison.Ordinal);
        Assert.Contains("there is no 'words'", Fault(new FilePrompts(path, "words").Read()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    [InlineData(1000)]
    public void A_file_that_is_cut_short_is_refused(int length)
    {
        var path = Path.Combine(_folder, "cut.parquet");
        System.IO.File.WriteAllBytes(path, System.IO.File.ReadAllBytes(Fixture("snappy"))[..length]);
        var fault = Fault(new FilePrompts(path).Read());
        Assert.Equal((FaultCodes.BadPromptFile, path), (fault.Code, fault.Place?.File));
        Assert.Contains("no Parquet file that can be read", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault.Message);
    }

    [Fact]
    public void Bytes_that_are_damaged_end_in_a_fault_or_in_rows()
    {
        var bytes = System.IO.File.ReadAllBytes(Fixture("snappy"));
        var path = Path.Combine(_folder, "damaged.parquet");
        for (var at = 4; at < bytes.Length; at += 7)
        {
            var damaged = bytes.ToArray();
            damaged[at] ^= 0xA5;
            if (new FilePrompts(path).Parse(damaged).TryGet(out var prompts, out var fault)) Assert.All(prompts, static prompt => Assert.NotEqual("", prompt.Text));
            else Assert.StartsWith("LA40", fault.Code, StringComparison.Ordinal);
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string Fixture(string name) => Path.Combine(Repository.Root, "tests", "fixtures", "parquet", $"{name}.parquet");

    private string Copied(string name)
    {
        var path = Path.Combine(_folder, name);
        System.IO.File.Copy(Fixture("snappy"), path);
        return path;
    }

    private static Fault Fault<T>(Result<T> result) => result.Match<Fault>(static _ => throw new InvalidOperationException("it is read"), static fault => fault);
}
