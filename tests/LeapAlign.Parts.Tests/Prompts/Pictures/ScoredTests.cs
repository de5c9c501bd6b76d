using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;
using LeapAlign.Testing;

namespace LeapAlign.Prompts.Pictures.Tests;

public sealed class ScoredTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("scored-").FullName;
    private readonly List<Fault> _told = [];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("log.jsonl", "{\"prompt\": \"a\", \"file\": \"1.png\", \"score\": 1}\n\n{\"prompt\": \"b\", \"file\": \"sub/2.png\", \"score\": -2.5e0}\n{\"prompt\": \" a \", \"file\": \"3.png\", \"score\": \"3\"}\n{\"prompt\": \"b\", \"file\": \"./4.png\", \"score\": 0, \"clicks\": 7}\n")]
    [InlineData("log.csv", "prompt,file,score\na,1.png,1\nb,sub/2.png,-2.5\na,3.png,3\nb,4.png,0\n")]
    public void Rows_of_a_caption_are_one_prompt_with_all_its_pictures(string name, string content)
    {
        Pictures("1.png", "sub/2.png", "3.png", "4.png");
        Write(name, content);
        var prompts = Read(name, settings => settings with { Standardise = false });
        Assert.Equal([("a", 0), ("b", 1)], prompts.Select(static prompt => (prompt.Text, prompt.Id)));
        Assert.Equal([At("1.png"), At("3.png")], prompts[0].Pictures);
        Assert.Equal([1.0, 3.0], prompts[0].Scores);
        Assert.Equal([At("sub/2.png"), At("4.png")], prompts[1].Pictures);
        Assert.Equal([-2.5, 0.0], prompts[1].Scores);
        Assert.Empty(_told);
    }

    [Theory]
    [InlineData("picture,caption,width,height,'=mine", "=mine", "=SUM(A1)", "'tis", "it's")]
    [InlineData("picture,caption,=mine", "=mine", "'=SUM(A1)", "''tis", "it's")]
    public void The_apostrophes_that_score_puts_before_formulas_are_taken_away_in_its_files_alone(string header, string score, params string[] captions)
    {
        Pictures("1.png");
        var size = header.Contains("width", StringComparison.Ordinal) ? ",4,3" : "";
        Write("log.csv", $"{header}\n1.png,'=SUM(A1){size},1\n1.png,''tis{size},-2\n1.png,it's{size},3\n");
        var prompts = Read("log.csv", settings => settings with { Key = "caption", Picture = "picture", Score = score, Group = 1, Standardise = false });
        Assert.Equal(captions, prompts.Select(static prompt => prompt.Text));
        Assert.Equal([1.0, -2.0, 3.0], prompts.SelectMany(static prompt => prompt.Scores));
    }

    [Fact]
    public void Scores_have_mean_0_and_deviation_1_over_the_file()
    {
        Pictures("1.png");
        Write("log.csv", "prompt,file,score\n" + string.Concat(new[] { 1.5, 2.5, 1e3, -4, 0.25, 7 }.Select((score, row) => FormattableString.Invariant($"caption {row / 3},1.png,{score}\n"))));
        double[] scores = [.. Read("log.csv").SelectMany(static prompt => prompt.Scores)];
        Assert.Equal(0, scores.Average(), 1e-12);
        Assert.Equal(1, Math.Sqrt(scores.Average(static score => score * score)), 1e-12);
        Assert.True(scores[2] > scores[5] && scores[5] > scores[1] && scores[3] < scores[4]);
        Write("log.csv", "prompt,file,score\na,1.png,1e308\na,1.png,-1e308\n");
        Assert.Equal([1.0, -1.0], Read("log.csv").SelectMany(static prompt => prompt.Scores).ToArray());
    }

    [Fact]
    public void A_threshold_makes_verdicts_and_captions_without_both_are_left_out_and_told()
    {
        Pictures("1.png");
        Write("log.csv", "prompt,file,score\nonly good,1.png,1\nboth,1.png,0.5\nboth,1.png,0.4\nonly good,1.png,0.9\n");
        var prompt = Assert.Single(Read("log.csv", settings => settings with { Threshold = 0.5 }));
        Assert.Equal(("both", 0), (prompt.Text, prompt.Id));
        Assert.Equal([1.0, 0.0], prompt.Scores);
        var told = Assert.Single(_told);
        Assert.Equal((FaultCodes.ScoredRowsLeftOut, 2), (told.Code, told.Place!.Line));
        Assert.Contains("1 of 2 captions, which have not a picture that passed and one that failed (the first is 'only good')", told.Message, StringComparison.Ordinal);
        _told.Clear();
        Assert.Equal([1.0, 1.0], Read("log.csv", settings => settings with { Threshold = 0.5, Pairs = false })[0].Scores);
        Assert.Empty(_told);
    }

    [Fact]
    public void Captions_with_too_few_pictures_are_left_out_and_told()
    {
        Pictures("1.png");
        Write("log.csv", "prompt,file,score\na,1.png,1\nb,1.png,2\na,1.png,3\n");
        Assert.Equal("a", Assert.Single(Read("log.csv")).Text);
        Assert.Contains("1 of 2 captions, which have not 2 pictures (the first is 'b')", Assert.Single(_told).Message, StringComparison.Ordinal);
        Assert.Equal(3, Assert.Single(_told).Place!.Line);
        Assert.Equal(2, Read("log.csv", settings => settings with { Group = 1 }).Count);
        Assert.Equal((FaultCodes.NothingToCompare, 2), CodeAndLine("log.csv", settings => settings with { Group = 3 }));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("\"\"")]
    [InlineData("\"NaN\"")]
    public void A_row_without_a_score_is_a_fault_or_left_out(string missing)
    {
        Pictures("1.png");
        Write("log.jsonl", "{\"prompt\": \"a\", \"file\": \"1.png\", \"score\": 1}\n{\"prompt\": \"a\", \"file\": \"1.png\", \"score\": " + missing + "}\n{\"prompt\": \"a\", \"file\": \"1.png\", \"score\": 2}\n");
        Assert.Equal((FaultCodes.BadScore, 2), CodeAndLine("log.jsonl"));
        Assert.Equal(2, Assert.Single(Read("log.jsonl", settings => settings with { Missing = MissingScore.LeaveOut })).Scores.Count);
        var told = Assert.Single(_told);
        Assert.Equal((FaultCodes.ScoredRowsLeftOut, 2), (told.Code, told.Place!.Line));
        Assert.Contains("1 of 3 rows, which have no score", told.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1e999")]
    [InlineData("\"Infinity\"")]
    [InlineData("\"good\"")]
    [InlineData("true")]
    [InlineData("[1]")]
    public void A_score_that_is_no_finite_number_is_a_fault_with_its_line(string score)
    {
        Pictures("1.png");
        Write("log.jsonl", "{\"prompt\": \"a\", \"file\": \"1.png\", \"score\": 1}\n{\"prompt\": \"a\", \"file\": \"1.png\", \"score\": " + score + "}\n");
        var fault = FaultOf("log.jsonl", settings => settings with { Missing = MissingScore.LeaveOut });
        Assert.Equal((FaultCodes.BadScore, At("log.jsonl"), 2, "score"), (fault.Code, fault.Place!.File, fault.Place.Line, fault.Place.Key));
    }

    [Theory]
    [InlineData("1\n2.0\n", null, true)]
    [InlineData("1\n1\n", null, false)]
    [InlineData("1\n2\n", 3.0, false)]
    [InlineData("1\n2\n", 1.0, false)]
    [InlineData("1\n2\n", 2.0, true)]
    [InlineData("\n\n", null, false)]
    public void Scores_that_are_all_alike_have_nothing_to_compare(string scores, double? threshold, bool differ)
    {
        Pictures("1.png");
        Write("log.csv", "prompt,file,score\n" + string.Concat(scores.TrimEnd('\n').Split('\n').Select(static score => $"a,1.png,{score}\n")));
        ScoredSettings Changed(ScoredSettings settings) => settings with { Threshold = threshold, Missing = MissingScore.LeaveOut };
        if (differ) Assert.Single(Read("log.csv", Changed));
        else Assert.Equal((FaultCodes.NothingToCompare, 2), CodeAndLine("log.csv", Changed));
    }

    [Theory]
    [InlineData("prompt,file,points\na,1.png,1\n", 2, "there is no 'score'; there is 'prompt', 'file', 'points'")]
    [InlineData("prompt,image,score\na,1.png,1\n", 2, "there is no 'file'; there is 'prompt', 'image', 'score'")]
    [InlineData("prompt,file,score\na,1.png,1\na,absent.png,1\n", 3, "'absent.png' does not exist")]
    [InlineData("prompt,file,score\na,../1.png,1\n", 2, "'../1.png' is not in ")]
    [InlineData("prompt,file,score\na,sub/../../1.png,1\n", 2, "is not in ")]
    [InlineData("prompt,file,score\na,/etc/passwd.png,1\n", 2, "'/etc/passwd.png' is not in ")]
    [InlineData("prompt,file,score\na,1.gif,1\n", 2, "is no picture")]
    public void What_is_not_as_it_should_be_is_named_with_file_and_line(string content, int line, string words)
    {
        Pictures("1.png");
        Write("log.csv", content);
        var fault = FaultOf("log.csv");
        Assert.Equal((FaultCodes.BadPromptFile, At("log.csv"), line), (fault.Code, fault.Place!.File, fault.Place.Line));
        Assert.Contains(words, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_whose_name_begins_alike_is_another_folder()
    {
        Pictures("1.png");
        Directory.CreateDirectory(At("log"));
        Directory.CreateDirectory(At("log-more"));
        System.IO.File.WriteAllText(At("log-more/1.png"), "");
        Write("log/log.csv", "prompt,file,score\na,../log-more/1.png,1\n");
        Assert.Contains("is not in", FaultOf("log/log.csv").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_score_writes_is_read()
    {
        Pictures("1.png", "2.png");
        Write("scores.csv", "picture,caption,width,height,judge\n1.png,a,64,64,0.25\n2.png,a,64,64,NaN\n2.png,a,64,64,0.75\n");
        var prompt = Assert.Single(Read("scores.csv", static settings => settings with { Picture = "picture", Score = "judge", Missing = MissingScore.LeaveOut, Standardise = false }));
        Assert.Equal([0.25, 0.75], prompt.Scores);
    }

    [Fact]
    public void The_part_provides_what_its_settings_make_of_scores()
    {
        var part = new PicturesPlugin().Parts.Single(static part => part.Id == "scored");
        Assert.Equal([Capabilities.ScoredPictures], part.Provides(part.ReadSettings("""{"path": "x"}""")));
        Assert.Equal([Capabilities.ScoredPictures, Capabilities.Verdicts, Capabilities.VerdictPairs], part.Provides(part.ReadSettings("""{"path": "x", "threshold": 0}""")));
        Assert.Equal([Capabilities.ScoredPictures, Capabilities.Verdicts], part.Provides(part.ReadSettings("""{"path": "x", "threshold": 0, "pairs": false}""")));
    }

    private ScoredPictures Source(string name, Func<ScoredSettings, ScoredSettings>? change) =>
        new(At(name), (change ?? (static settings => settings))(new ScoredSettings { Path = name }), _told.Add);

    private IReadOnlyList<Prompt> Read(string name, Func<ScoredSettings, ScoredSettings>? change = null) => Recording.Require(Source(name, change).Read());

    private Fault FaultOf(string name, Func<ScoredSettings, ScoredSettings>? change = null) => Source(name, change).Read().Match(static _ => throw new InvalidOperationException("no fault"), static fault => fault);

    private (string Code, int? Line) CodeAndLine(string name, Func<ScoredSettings, ScoredSettings>? change = null) => (FaultOf(name, change).Code, FaultOf(name, change).Place?.Line);

    private string At(string name) => Path.Combine(_folder, name);

    private void Pictures(params string[] names)
    {
        foreach (var name in names) Write(name, "");
    }

    private void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        System.IO.File.WriteAllText(At(name), text);
    }
}
