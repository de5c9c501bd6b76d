using LeapAlign.Host.Kernel;
using LeapAlign.Host.Runs.TensorBoard;
using LeapAlign.Host.Tests.Live;
using LeapAlign.Pipeline;
using LeapAlign.Testing;

namespace LeapAlign.Host.Tests.Reports;

public sealed class EventFileTests : IDisposable
{
    private readonly WrittenRun _run = new();
    private readonly ManualTime _time = new();
    private readonly List<Fault> _warnings = [];

    [Fact]
    public void Events_carry_every_number_under_its_path()
    {
        using (var log = new TensorBoardLog(_run.Folder, _time, _warnings.Add))
        {
            log.Evaluated(Evaluation(0)).Value();
            log.Stepped(StepReports.Of(0, loss: 0.1)).Value();
            log.Stepped(StepReports.Of(1, loss: float.NaN)).Value();
        }
        var events = EventFileReader.Read(Assert.Single(Directory.GetFiles(_run.Folder.Events)));
        Assert.Equal("brain.Event:2", events[0].Version);
        Assert.All(events, one => Assert.Equal(_time.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0, one.Time, 0.01));
        Assert.Equal([0, 0, 1, 2], events.Select(static one => one.Step));
        Assert.Equal(0.75f, events[1].Scalars["evaluation/rewards/clip"]);
        Assert.Equal(0.25f, events[1].Scalars["evaluation/tasks/clip/colors"]);
        Assert.Equal((0.1f, 0.5f, 3f, 10f), (events[2].Scalars["step/loss"], events[2].Scalars["step/rewards/clip"], events[2].Scalars["step/measurements/weight"], events[2].Scalars["step/evaluations"]));
        Assert.True(float.IsNaN(events[3].Scalars["step/loss"]));
    }

    [Fact]
    public void The_numbers_of_previews_stand_under_their_names()
    {
        using (var log = new TensorBoardLog(_run.Folder, _time, _warnings.Add))
        {
            var preview = Evaluation(0) with { Drawn = new DrawnAs("large", new(32, 32), 28, 5), Rewards = new Dictionary<string, double> { ["clip"] = 0.5 }, Evaluations = 56 };
            log.Evaluated(Evaluation(0) with { Previews = [preview] }).Value();
        }
        var scalars = EventFileReader.Read(Assert.Single(Directory.GetFiles(_run.Folder.Events)))[1].Scalars;
        Assert.Equal((0.75f, 0.5f, 56f), (scalars["evaluation/rewards/clip"], scalars["preview/large/rewards/clip"], scalars["preview/large/evaluations"]));
        Assert.DoesNotContain("evaluation/evaluations", scalars.Keys);
    }

    [Fact]
    public void A_run_that_goes_on_adds_a_file_that_takes_later_steps_back()
    {
        using (var log = new TensorBoardLog(_run.Folder, new StoppedClock(50), _warnings.Add)) log.Stepped(StepReports.Of(6)).Value();
        using (var log = new TensorBoardLog(_run.Folder, new StoppedClock(50), _warnings.Add)) log.Stepped(StepReports.Of(4)).Value();
        using (var log = new TensorBoardLog(_run.Folder, new StoppedClock(7), _warnings.Add)) log.Stepped(StepReports.Of(2)).Value();
        var files = Directory.GetFiles(_run.Folder.Events).Order(StringComparer.Ordinal).Select(EventFileReader.Read).ToList();
        Assert.DoesNotContain(files[0], static one => one.SessionStatus == 1);
        Assert.Equal(5, Assert.Single(files[1], static one => one.SessionStatus == 1).Step);
        Assert.Equal([0, 5, 5], files[1].Select(static one => one.Step));
        Assert.Equal([0, 3, 3], files[2].Select(static one => one.Step));
    }

    [Fact]
    public void A_folder_that_cannot_be_made_is_one_warning_and_later_steps_are_tried_again()
    {
        File.WriteAllText(_run.Folder.Events, "in the way");
        using var log = new TensorBoardLog(_run.Folder, _time, _warnings.Add);
        log.Stepped(StepReports.Of(0)).Value();
        log.Stepped(StepReports.Of(1)).Value();
        Assert.Equal((FaultCodes.TelemetryNotKept, true), (Assert.Single(_warnings).Code, _warnings[0].ToString().Contains("tensorboard", StringComparison.Ordinal)));
        File.Delete(_run.Folder.Events);
        log.Stepped(StepReports.Of(2)).Value();
        Assert.Equal([0, 3], EventFileReader.Read(Assert.Single(Directory.GetFiles(_run.Folder.Events))).Select(static one => one.Step));
    }

    [Fact]
    public void The_reader_of_the_tests_sees_a_changed_byte()
    {
        using (var log = new TensorBoardLog(_run.Folder, _time, _warnings.Add)) log.Stepped(StepReports.Of(0)).Value();
        var path = Assert.Single(Directory.GetFiles(_run.Folder.Events));
        var bytes = File.ReadAllBytes(path);
        bytes[^6] ^= 1;
        File.WriteAllBytes(path, bytes);
        Assert.Throws<InvalidDataException>(() => EventFileReader.Read(path));
    }

    public void Dispose() => _run.Dispose();

    /// <summary>A clock that stands still.</summary>
    private sealed class StoppedClock(int milliseconds) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddYears(50).AddMilliseconds(milliseconds);
    }

    private static EvaluationReport Evaluation(int step) => new()
    {
        Step = step,
        Rewards = new Dictionary<string, double> { ["clip"] = 0.75 },
        Tasks = new Dictionary<string, IReadOnlyDictionary<string, double>> { ["clip"] = new Dictionary<string, double> { ["colors"] = 0.25 } },
        Images = 8,
        Seconds = 1,
        Samples = [],
    };
}
