using System.Text.Json.Nodes;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Reports;
using LeapAlign.Host.Runs;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Reports;

public sealed class RunReportTests : IDisposable
{
    private readonly WrittenRun _run = new WrittenRun().Evaluation(0, 0.5).Step(1).Save();
    private readonly StringWriter _error = new();

    [Theory]
    [InlineData("Finished", "Completed")]
    [InlineData("Gamed", "Completed")]
    [InlineData("Interrupted", "Interrupted")]
    public void The_end_is_recorded_and_its_outcome_given_back(string ending, string state)
    {
        var report = Report();
        report.Begin();
        Assert.Equal("Running", (string)Record()["state"]!);
        Assert.Contains("\"state\":\"Running\"", File.ReadAllText(_run.Folder.Report), StringComparison.Ordinal);
        Assert.True(report.End(Enum.Parse<RunEnding>(ending)).IsOk);
        var record = Record();
        Assert.Equal(state, (string)record["state"]!);
        Assert.Equal("bar", (string)record["environment"]!["foo"]!);
        Assert.Contains($"\"state\":\"{state}\"", File.ReadAllText(_run.Folder.Report), StringComparison.Ordinal);
    }

    [Fact]
    public void A_fault_is_recorded_and_given_back()
    {
        var fault = new Fault.Run(FaultCodes.NotFinite, "the loss is NaN");
        Assert.Equal(fault, Report().End(fault).Fault());
        Assert.Equal(("Faulted", "LA5003 the loss is NaN"), ((string)Record()["state"]!, (string)Record()["fault"]!));
    }

    [Fact]
    public void A_run_that_is_ended_from_another_thread_has_ended_so_whatever_its_own_thread_does()
    {
        var report = Report();
        report.EndAtOnce(new Fault.Run(FaultCodes.StepHangs, "it hangs"));
        Assert.True(report.End(RunEnding.Finished).IsOk);
        Assert.Equal(("Faulted", "LA5012 it hangs"), ((string)Record()["state"]!, (string)Record()["fault"]!));
    }

    [Fact]
    public void What_nobody_expected_is_recorded_with_its_type()
    {
        Report().End(new InvalidTimeZoneException("no\nzone"));
        Assert.Equal(("Faulted", "InvalidTimeZoneException: no zone"), ((string)Record()["state"]!, (string)Record()["fault"]!));
    }

    [Fact]
    public void Metrics_that_were_read_are_not_read_again()
    {
        var report = Report();
        report.Begin();
        var lines = File.ReadAllLines(_run.Folder.Metrics);
        // Who reads all of it again finds no line there.
        File.WriteAllLines(_run.Folder.Metrics, [new string('x', lines[0].Length), .. lines[1..]]);
        Assert.True(report.End(RunEnding.Finished).IsOk);
        Assert.Empty(_error.ToString());
        Assert.Contains("\"done\":1", File.ReadAllText(_run.Folder.Report), StringComparison.Ordinal);
        Report().Begin();
        Assert.Contains("warning LA4013", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_goes_on_without_a_report_that_cannot_be_written_and_says_so_once()
    {
        Directory.CreateDirectory(Path.Combine(_run.Folder.Report, "in the way"));
        var report = Report();
        Assert.True(report.End(RunEnding.Finished).IsOk);
        Assert.True(report.End(RunEnding.Finished).IsOk);
        Assert.Single(_error.ToString().Split('\n'), static line => line.StartsWith("warning LA5002", StringComparison.Ordinal));
        Assert.Equal("LA5002", (string)Assert.Single(Record()["warnings"]!.AsArray())!["code"]!);
        File.Delete(_run.Folder.Metrics);
        Assert.True(report.End(RunEnding.Finished).IsOk);
        Assert.Contains("warning LA4013", _error.ToString(), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _run.Dispose();
        _error.Dispose();
    }

    private RunReport Report() => new(_run.Folder, new Dictionary<string, string> { ["foo"] = "bar" }, new Warnings(_error), TimeProvider.System);

    private JsonNode Record() => JsonNode.Parse(File.ReadAllText(_run.Folder.Record))!;
}
