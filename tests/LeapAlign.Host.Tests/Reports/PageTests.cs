using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Reports.Pages;
using LeapAlign.Host.Runs;
using LeapAlign.Host.Tests.Commands;
using SkiaSharp;

namespace LeapAlign.Host.Tests.Reports;

[Collection("process")]
public sealed partial class PageTests
{
    private const string Sample = """[{"caption":"a </script><script>alert(1)</script> circle","rewards":{"clip":0.25}}]""";

    [Fact]
    public void The_page_is_one_file_whose_data_end_no_element()
    {
        using var written = new WrittenRun("a <b> & c").Evaluation(0, 0.6, samples: Sample).Step(1, loss: double.PositiveInfinity);
        var html = ReportPage.Html(ReportData.Of([written.Read()], new EmbeddedPictures()));
        Assert.DoesNotContain("{{", html, StringComparison.Ordinal);
        Assert.Contains("<title>a &lt;b&gt; &amp; c", html, StringComparison.Ordinal);
        Assert.Equal(2, Regex.Count(html, "</script>"));
        var data = Data(html);
        Assert.Equal("a </script><script>alert(1)</script> circle", (string)data["runs"]![0]!["pictures"]!["pictures"]![0]![0]!["caption"]!);
        Assert.Equal("Infinity", (string)data["runs"]![0]!["curves"]!["columns"]![0]!["values"]![0]!);
        Assert.Contains("default-src 'none'", html, StringComparison.Ordinal);
        Assert.DoesNotMatch("(src|href)=\"(https?:)?//", html);
    }

    [Fact]
    public void A_small_picture_is_the_file_and_a_large_one_is_scaled_down()
    {
        using var written = new WrittenRun().Evaluation(0, 0.6, samples: Sample).Evaluation(1, 0.7, samples: Sample).Evaluation(2, 0.7, samples: Sample);
        var small = Picture(written, 0, 32, 24);
        Picture(written, 1, 1024, 512);
        var series = new EmbeddedPictures().Of(written.Read());
        Assert.Equal([0, 1, 2], series.Steps);
        Assert.Equal(1, series.Captions);
        Assert.Equal($"data:image/png;base64,{Convert.ToBase64String(small)}", series.Pictures[0][0].Source);
        Assert.StartsWith("data:image/webp;base64,", series.Pictures[1][0].Source, StringComparison.Ordinal);
        var scaled = SKBitmap.DecodeBounds(Convert.FromBase64String(series.Pictures[1][0].Source!.Split(',')[1]));
        Assert.Equal((EmbeddedPictures.LongestSide, EmbeddedPictures.LongestSide / 2), (scaled.Width, scaled.Height));
        Assert.Null(series.Pictures[2][0].Source);
        File.WriteAllText(written.Folder.Sample(1, 0), "no picture");
        Assert.Null(new EmbeddedPictures().Of(written.Read()).Pictures[1][0].Source);
        Assert.Equal(0.25, series.Pictures[0][0].Rewards["clip"]);
    }

    [Theory]
    [InlineData(3, 5, "0 1 2")]
    [InlineData(5, 5, "0 1 2 3 4")]
    [InlineData(10, 4, "0 3 6 9")]
    [InlineData(8, 3, "0 4 7")]
    public void Of_many_evaluations_the_first_and_the_last_are_shown_and_others_evenly(int all, int most, string shown) =>
        Assert.Equal(shown, string.Join(' ', EmbeddedPictures.Spread([.. Enumerable.Range(0, all)], most)));

    [Fact]
    public void The_verb_writes_one_report_for_several_runs_and_into_the_folder_for_one()
    {
        using var first = new WrittenRun("first").Evaluation(0, 0.6).Step(1).Save();
        using var second = new WrittenRun("second").Evaluation(0, 0.7).Step(1).Save();
        var terminal = new TestTerminal();
        Assert.Equal(0, terminal.Run(TestWorkspace.BuiltPlugins, "report", first.Folder.Path));
        Assert.Null(Data(File.ReadAllText(first.Folder.Report))["comparison"]);
        var output = Path.Combine(first.Folder.Path, "both.html");
        Assert.Equal(0, terminal.Run(TestWorkspace.BuiltPlugins, "report", first.Folder.Path, second.Folder.Path, "--output", output));
        Assert.Contains($"wrote {output}", terminal.Output, StringComparison.Ordinal);
        var data = Data(File.ReadAllText(output));
        Assert.Equal(["first", "second"], data["runs"]!.AsArray().Select(static run => (string)run!["name"]!));
        Assert.Equal(0, (int)data["comparison"]!["step"]!);
        Assert.Equal(5, terminal.Run(TestWorkspace.BuiltPlugins, "report", first.Folder.Path, Path.Combine(second.Folder.Path, "nowhere")));
        Assert.Contains("error LA4013", terminal.Error, StringComparison.Ordinal);
        Assert.Equal(2, terminal.Run(TestWorkspace.BuiltPlugins, "report"));
    }

    private static byte[] Picture(WrittenRun run, int step, int width, int height)
    {
        var png = SampleGrid.Encode(new SamplePicture("", new Dictionary<string, double>(), width, height, [.. Enumerable.Range(0, width * height * 3).Select(static place => (byte)(place * 7))]));
        var path = run.Folder.Sample(step, 0);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, png);
        return png;
    }

    private static JsonNode Data(string html) => JsonNode.Parse(DataElement().Match(html).Groups[1].Value)!;

    [GeneratedRegex("<script type=\"application/json\" id=\"data\">(.*?)</script>", RegexOptions.Singleline)]
    private static partial Regex DataElement();
}
