using System.Text.Json.Nodes;
using LeapAlign.Host.Live;
using LeapAlign.Host.Runs.Records;
using LeapAlign.Host.Tests.Reports;

namespace LeapAlign.Host.Tests.Live;

public sealed class WatchedRunTests : IDisposable
{
    private readonly WrittenRun _run = new();
    private readonly ManualTime _time = new();

    [Fact]
    public void A_run_without_a_folder_is_waited_for()
    {
        var run = new WatchedRun(_time);
        Assert.Equal(LiveState.Waiting, run.Look());
        Assert.Null(run.Data("").Report);
        _run.Step(1).Save();
        run.Begin(_run.Folder);
        Assert.Equal((LivePhase.Running, "run", 1, 10), (run.Look().Phase, run.Look().Name, run.Look().Step, run.Look().Steps));
    }

    [Fact]
    public void A_run_without_a_step_or_a_metrics_file_has_a_page()
    {
        _run.Save();
        var run = Watched();
        Assert.Equal((LivePhase.Running, 0, null, null), (run.Look().Phase, run.Look().Step, run.Look().SecondsPerStep, run.Look().SecondsLeft));
        Assert.Empty(run.Data("").Report!.Runs[0].Curves.Step);
        File.Delete(_run.Folder.Metrics);
        Advance(1);
        Assert.Equal(0, run.Look().Step);
        Assert.NotNull(run.Data("").Report);
    }

    [Fact]
    public void Its_files_are_read_once_a_second_for_all_who_look_and_half_a_line_is_no_line()
    {
        _run.Step(1).Save();
        var run = Watched();
        Assert.Equal(1, run.Look().Step);
        var whole = _run.Step(2).Lines;
        File.WriteAllText(_run.Folder.Metrics, whole[..^20]);
        Advance(1);
        Assert.Equal((1, 2L), (run.Look().Step, run.Look().Revision));
        File.WriteAllText(_run.Folder.Metrics, whole);
        Advance(0.9);
        Assert.Equal((1, 1), (run.Look().Step, run.Data("").Report!.Runs[0].Done));
        Advance(0.2);
        Assert.Equal((2, 3L), (run.Look().Step, run.Look().Revision));
        Assert.Equal(2, run.Data("").Report!.Runs[0].Done);
        Advance(5);
        Assert.Equal(3, run.Look().Revision);
    }

    [Fact]
    public void What_takes_long_to_read_is_read_less_often()
    {
        _run.Step(1).Save();
        _time.Cost = TimeSpan.FromSeconds(2);
        var run = Watched();
        run.Look();
        _run.Step(2).Save();
        Advance(15);
        Assert.Equal(1, run.Look().Step);
        Advance(15);
        Assert.Equal(2, run.Look().Step);
    }

    [Fact]
    public void It_says_how_far_it_is_how_fast_and_when_it_was_heard_from()
    {
        for (var step = 1; step <= 5; step++) _run.Step(step, seconds: 100);
        for (var step = 6; step <= 25; step++) _run.Step(step, seconds: step % 2 == 0 ? 3 : 5);
        _run.Settings["run"]!["steps"] = 40;
        _run.Save();
        File.SetLastWriteTimeUtc(_run.Folder.Metrics, _time.GetUtcNow().AddSeconds(-12).UtcDateTime);
        var state = Watched().Look();
        Assert.Equal((25, 40, 4.0, 60.0), (state.Step, state.Steps, state.SecondsPerStep, state.SecondsLeft));
        Assert.Equal(12, state.HeardSeconds!.Value, 1e-3);
    }

    [Theory]
    [InlineData("Completed")]
    [InlineData("Interrupted")]
    [InlineData("Faulted")]
    public void A_run_that_has_ended_says_how_and_has_no_time_left(string word)
    {
        _run.Step(1).Save();
        Record(Enum.Parse<RunState>(word), _time.GetUtcNow());
        var state = Watched().Look();
        Assert.Equal((Enum.Parse<LivePhase>(word), null), (state.Phase, state.SecondsLeft));
    }

    [Fact]
    public void A_run_that_goes_on_is_not_taken_for_what_it_was_before()
    {
        _run.Step(1).Save();
        Record(RunState.Interrupted, _time.GetUtcNow().AddMinutes(-1));
        var run = new WatchedRun(_time);
        run.Begin(_run.Folder);
        Assert.Equal(LivePhase.Running, run.Look().Phase);
        Assert.Equal(RunState.Running, run.Data("").Report!.Runs[0].Record!.State);
        Record(RunState.Completed, _time.GetUtcNow().AddMinutes(1));
        Advance(1);
        Assert.Equal(LivePhase.Completed, run.Look().Phase);
    }

    [Fact]
    public void Pictures_that_a_page_has_are_not_sent_again()
    {
        _run.Evaluation(0, 0.5, samples: """[{"caption":"a circle","rewards":{"clip":0.25}}]""").Save();
        var run = Watched();
        var first = run.Data("");
        Assert.Single(first.Report!.Runs[0].Pictures.Pictures);
        var again = run.Data(first.Pictures);
        Assert.Equal(first.Pictures, again.Pictures);
        Assert.Empty(again.Report!.Runs[0].Pictures.Pictures);
        _run.Evaluation(5, 0.5, samples: """[{"caption":"a circle","rewards":{"clip":0.25}}]""").Save();
        Advance(1);
        Assert.Equal([0, 5], run.Data(first.Pictures).Report!.Runs[0].Pictures.Steps);
    }

    [Fact]
    public void A_file_that_cannot_be_understood_is_said_and_it_goes_on_when_it_can()
    {
        _run.Step(1).Save();
        File.AppendAllText(_run.Folder.Metrics, "[1]\n");
        var run = Watched();
        Assert.Contains("LA4013", run.Data("").Fault!, StringComparison.Ordinal);
        _run.Step(2).Save();
        Advance(1);
        Assert.Equal(2, run.Data("").Report!.Runs[0].Done);
    }

    [Fact]
    public void Looking_writes_nothing()
    {
        _run.Evaluation(0, 0.5).Step(1).Save();
        var before = Listing();
        var run = Watched();
        run.Look();
        run.Data("");
        Assert.Equal(before, Listing());
    }

    [Fact]
    public void What_pages_are_sent_is_what_a_report_holds()
    {
        _run.Evaluation(0, 0.5).Step(1, loss: double.NaN);
        var report = LeapAlign.Host.Reports.Pages.ReportPage.Html(LeapAlign.Host.Reports.Pages.ReportData.Of([_run.Read()], new()));
        var sent = JsonNode.Parse(Watched().Data("").ToJson())!["report"]!.ToJsonString();
        Assert.Contains(sent, report, StringComparison.Ordinal);
    }

    public void Dispose() => _run.Dispose();

    private WatchedRun Watched() => WatchedRun.Of(_run.Folder, _time);

    private void Advance(double seconds) => _time.Advance(TimeSpan.FromSeconds(seconds));

    private void Record(RunState state, DateTimeOffset when) =>
        File.WriteAllBytes(_run.Folder.Record, new RunRecord("0", when, when, state, null, new Dictionary<string, string>(), []).ToJson());

    private string[] Listing() => [.. Directory.EnumerateFileSystemEntries(_run.Folder.Path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(static path => $"{path} {File.GetLastWriteTimeUtc(path):O}")];
}
