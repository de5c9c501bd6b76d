using LeapAlign.Host.Kernel;
using LeapAlign.Host.Reports.Pages;
using LeapAlign.Host.Runs;
using LeapAlign.Host.Runs.Metrics;
using Spectre.Console;

namespace LeapAlign.Host.Tests.Reports;

/// <summary>Previews in the files of a run and in its report.</summary>
[Collection("process")]
public sealed class PreviewReportTests
{
    private const string Sample = """[{"caption":"a circle","rewards":{"clip":0.25}}]""";

    [Fact]
    public void A_preview_is_a_line_of_its_own_kind_behind_the_evaluation_which_stays_as_it_was()
    {
        using var run = new WrittenRun();
        using (var metrics = MetricsFile.Create(run.Folder.Metrics).Value())
        {
            metrics.Evaluated(Report(0, null, 0.5)).Value();
            var plain = File.ReadAllText(run.Folder.Metrics);
            metrics.Evaluated(Report(0, null, 0.5) with { Previews = [Report(0, "large", 0.25), Report(0, "long", 0.125)] }).Value();
            Assert.Equal(metrics.Length, new FileInfo(run.Folder.Metrics).Length);
            var lines = File.ReadAllLines(run.Folder.Metrics);
            Assert.Equal(4, lines.Length);
            Assert.Equal(plain, lines[1] + "\n");
            Assert.StartsWith("""{"kind":"preview","step":0,"preview":"large","size":"32x16","samplingSteps":28,"guidance":5,"rewards":{"clip":0.25},""", lines[2], StringComparison.Ordinal);
            Assert.Contains("\"evaluations\":56", lines[2], StringComparison.Ordinal);
            Assert.EndsWith("\"timings\":{\"seconds\":1}}", lines[2], StringComparison.Ordinal);
        }
        var history = RunHistory.Read(run.Folder.Metrics).Value();
        Assert.Equal((2, 2), (history.Evaluations.Count, history.Previews.Count));
        Assert.Equal(("long", "32x16", 28, 5.0, 56.0), (history.Previews[1].Preview, history.Previews[1].Size, history.Previews[1].SamplingSteps, history.Previews[1].Guidance, history.Previews[1].Evaluations));
    }

    [Fact]
    public void Pictures_of_a_preview_lie_in_a_folder_that_has_its_name()
    {
        using var run = new WrittenRun();
        Directory.CreateDirectory(Path.Combine(run.Folder.Path, "samples"));
        var report = Report(3, null, 0.5, 1) with { Previews = [Report(3, "large", 0.5, 2), Report(3, "bare", 0.5)] };
        new SamplePictures(run.Folder).Evaluated(report).Value();
        new SampleGrid(run.Folder).Evaluated(report).Value();
        var files = Directory.GetFiles(Path.Combine(run.Folder.Path, "samples"), "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(run.Folder.Path, path).Replace('\\', '/'));
        Assert.Equal(
            ["samples/preview-large/step-0003.png", "samples/preview-large/step-0003/00.png", "samples/preview-large/step-0003/01.png", "samples/step-0003.png", "samples/step-0003/00.png"],
            files.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_report_has_each_preview_with_its_form_numbers_and_pictures()
    {
        using var written = new WrittenRun().Evaluation(0, 0.5, samples: Sample).Preview(0, "large", 0.25, Sample).Preview(0, "long", 0.5)
            .Step(1).Evaluation(1, 0.75, samples: Sample).Preview(1, "large", 0.125, Sample);
        new SamplePictures(written.Folder).Evaluated(Report(1, null, 0.5) with { Previews = [Report(1, "large", 0.5, 1)] }).Value();
        var data = RunData.Of(written.Read(), new EmbeddedPictures());
        Assert.Equal([0, 1], data.Evaluations.Select(static one => one.Step));
        Assert.Equal(["large", "long"], data.Previews.Select(static preview => preview.Name));
        var large = data.Previews[0];
        Assert.Equal(("32x16", 28, 5.0, 56.0), (large.Size, large.SamplingSteps, large.Guidance, large.NetworkEvaluations));
        Assert.Equal([(0, 0.25, 0.0), (1, 0.125, 20.0)], large.Evaluations.Select(static one => (one.Step, one.Rewards["clip"], one.Evaluations)));
        Assert.Equal(["large", "long"], data.Pictures.Previews.Select(static series => series.Preview));
        Assert.Equal([0, 1], data.Pictures.Previews[0].Steps);
        Assert.Null(data.Pictures.Previews[0].Pictures[0][0].Source);
        Assert.StartsWith("data:image/png", data.Pictures.Previews[0].Pictures[1][0].Source, StringComparison.Ordinal);
        Assert.Empty(data.Pictures.Previews[1].Steps);
        // Three and two evaluations of 3 and 7 seconds.
        Assert.Equal((2 * 3) + (3 * 7), data.Time.EvaluationSeconds);
    }

    [Fact]
    public void Progress_has_a_line_and_a_table_for_each_preview()
    {
        using var output = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Interactive = InteractionSupport.No, Out = new AnsiConsoleOutput(output) });
        var progress = new ProgressDisplay(console, 1, RunHistory.Empty);
        progress.Evaluated(Report(0, null, 0.5) with { Previews = [Report(0, "large", 0.25)] }).Value();
        progress.Evaluated(Report(1, null, 0.75) with { Previews = [Report(1, "large", 0.125)] }).Value();
        progress.Summarize();
        var said = output.ToString();
        Assert.Contains("evaluation after step 0: clip 0.5000  (8 pictures", said, StringComparison.Ordinal);
        Assert.Contains("preview large (32 x 16, 28 steps, guidance 5) after step 1: clip 0.1250  (8 pictures", said, StringComparison.Ordinal);
        Assert.Contains("preview large: mean over 8 pictures", said, StringComparison.Ordinal);
        Assert.True(said.IndexOf("+0.2500", StringComparison.Ordinal) is var gain and > 0 && said.IndexOf("-0.1250", StringComparison.Ordinal) > gain, said);
    }

    private static EvaluationReport Report(int step, string? preview, double clip, int pictures = 0) => new()
    {
        Step = step,
        Drawn = preview is null ? new DrawnAs(null, new(16, 16), 4, 1) : new DrawnAs(preview, new(32, 16), 28, 5),
        Rewards = new Dictionary<string, double> { ["clip"] = clip },
        Tasks = new Dictionary<string, IReadOnlyDictionary<string, double>>(),
        Images = 8,
        Evaluations = preview is null ? 4 : 56,
        Seconds = 1,
        Samples = [.. Enumerable.Range(0, pictures).Select(number => new SamplePicture("a circle", new Dictionary<string, double> { ["clip"] = clip }, 2, 1, [0, 0, 0, 255, 255, (byte)number]))],
    };
}
