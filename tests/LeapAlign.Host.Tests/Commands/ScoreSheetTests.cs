using System.Globalization;
using System.Text.Json.Nodes;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Host.Scored;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Commands;

/// <summary>How scores are written.</summary>
public sealed class ScoreSheetTests
{
    [Theory]
    [InlineData("a.png", "a.png")]
    [InlineData("a, b", "\"a, b\"")]
    [InlineData("say \"a\"", "\"say \"\"a\"\"\"")]
    [InlineData("two\nlines", "\"two\nlines\"")]
    [InlineData("=SUM(A1)", "'=SUM(A1)")]
    [InlineData("+1", "'+1")]
    [InlineData("-1", "'-1")]
    [InlineData("@a", "'@a")]
    [InlineData("\ta", "'\ta")]
    [InlineData("'tis", "''tis")]
    [InlineData("=\"a\",1", "\"'=\"\"a\"\",1\"")]
    [InlineData("a=b", "a=b")]
    public void Text_is_quoted_and_never_a_formula(string text, string cell)
    {
        var csv = new ScoreSheet([], [new ScoreRow(new ScoredPicture(text, "/p", new Prompt(0, text)), 4, 3, [])]).ToCsv();
        Assert.Equal($"picture,caption,width,height\n{cell},{cell},4,3\n", csv);
    }

    [Fact]
    public void Pictures_are_named_from_the_folder_of_the_file()
    {
        var sheet = new ScoreSheet([], [new ScoreRow(new ScoredPicture("runs/log/pictures/a.png", Path.GetFullPath("runs/log/pictures/a.png"), new Prompt(0, "a ring")), 4, 3, [])]);
        Assert.StartsWith("picture,caption,width,height\npictures/a.png,", sheet.ToCsv(Path.GetFullPath("runs/log")), StringComparison.Ordinal);
        Assert.StartsWith("picture,caption,width,height\nruns/log/pictures/a.png,", sheet.ToCsv(), StringComparison.Ordinal);
    }

    [Fact]
    public void Latents_that_rows_name_are_named_again_from_the_folder_of_the_file()
    {
        var captions = Path.Combine("runs", "log", "rows.jsonl");
        ScoreRow Row(string? metadata) => new(new ScoredPicture("p", Path.GetFullPath("runs/p.png"), new Prompt(0, "a", metadata)) { Latents = RowLatents.Of(new Prompt(0, "a", metadata), captions) }, 4, 3, []);
        var sheet = new ScoreSheet([], [Row("""{"latents": "l/a.safetensors"}"""), Row("""{"other": 1}"""), Row("""{"latents": "b.safetensors", "latents_row": 3, "latents_tensor": null}""")]);
        Assert.Equal("picture,caption,width,height,latents,latents_row\np.png,a,4,3,log/l/a.safetensors,\np.png,a,4,3,,\np.png,a,4,3,log/b.safetensors,3\n", sheet.ToCsv(Path.GetFullPath("runs")));
        // What is no path names none.
        Assert.StartsWith("picture,caption,width,height\n", new ScoreSheet([], [Row(null), Row("""{"latents": 7.5, "latents_row": 1}"""), Row("""{"latents": " "}"""), Row("""["latents"]""")]).ToCsv(), StringComparison.Ordinal);
    }

    [Fact]
    public void Numbers_are_read_back_to_the_last_bit_in_every_language()
    {
        double[] values = [-0.1f, 1.0 / 3, 1e-310, double.MaxValue, -12345678.9];
        var before = CultureInfo.CurrentCulture;
        try
        {
            var other = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            (other.NumberFormat.NumberDecimalSeparator, other.NumberFormat.NegativeSign) = (",", "minus");
            CultureInfo.CurrentCulture = other;
            var rewards = values.Select(static (_, i) => ScoredFolder.Reward(i == 0 ? "=a,b" : $"r{i}", static (images, _) => ones(1))).ToList();
            var sheet = new ScoreSheet(rewards, [new ScoreRow(new ScoredPicture("a.png", "/p", new Prompt(0, "ein grüner Ring")), 4, 3, values)]);
            var lines = sheet.ToCsv().Split('\n');
            Assert.Equal("picture,caption,width,height,\"'=a,b\",r1,r2,r3,r4", lines[0]);
            Assert.Equal(values, lines[1].Split(',')[4..].Select(static cell => double.Parse(cell, CultureInfo.InvariantCulture)));
            var json = JsonNode.Parse(sheet.ToJson())!;
            Assert.Equal(values, json["pictures"]![0]!["scores"]!.AsObject().Select(static score => (double)score.Value!));
            Assert.Equal("heldOut", (string)json["rewards"]![0]!["role"]!);
            Assert.Contains("ein grüner Ring", sheet.ToJson(), StringComparison.Ordinal);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }
}
