using LeapAlign.Host.Reports;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Reports;

public sealed class RunReaderTests
{
    [Fact]
    public void A_run_is_read_from_its_folder()
    {
        using var written = new WrittenRun(batch: 4, accumulation: 3).Evaluation(0, 0.6).Step(1, loss: double.NaN).Step(2);
        var run = written.Read();
        Assert.Equal("run", run.Name);
        Assert.Equal([1, 2], run.Steps.Select(static step => step.Step));
        Assert.True(double.IsNaN(run.Steps[0].Loss));
        Assert.Equal(0.6, Assert.Single(run.Evaluations).Rewards["clip"]);
        Assert.Equal(12, run.SamplesPerStep);
        Assert.Equal(10, run.PlannedSteps);
        Assert.Null(run.Record);
    }

    [Fact]
    public void Half_a_line_at_the_end_is_left_for_later()
    {
        using var written = new WrittenRun().Step(1).Step(2);
        written.Lines = written.Lines[..^20];
        Assert.Equal(1, Assert.Single(written.Read().Steps).Step);
    }

    [Theory]
    [InlineData("{\"kind\":\"step\"", "it")]
    [InlineData("[1]", "line 2 is neither")]
    [InlineData("{\"kind\":\"other\"}", "line 2 is neither")]
    public void A_line_that_is_no_measurement_is_a_fault(string line, string words)
    {
        using var written = new WrittenRun().Step(1);
        written.Lines += line + "\n";
        written.Save();
        var fault = RunReader.Read(written.Folder).Fault(FaultCodes.RunNotReadable, "metrics.jsonl", words);
        Assert.Equal(5, fault.ExitCode);
    }

    [Fact]
    public void A_folder_that_is_no_run_is_a_fault_that_says_what_a_run_holds()
    {
        using var written = new WrittenRun().Save();
        File.Delete(written.Folder.Metrics);
        RunReader.Read(written.Folder).Fault(FaultCodes.RunNotReadable, "metrics.jsonl", "is not there", "a run folder holds");
        File.WriteAllText(written.Folder.Resolved, "3");
        RunReader.Read(written.Folder).Fault(FaultCodes.RunNotReadable, "plugins.resolved.json");
    }

    [Fact]
    public void Runs_of_the_same_name_are_told_apart()
    {
        using var first = new WrittenRun().Step(1).Save();
        using var second = new WrittenRun().Step(1).Save();
        Assert.Equal(["run", "run (2)"], RunReader.Read([first.Folder.Path + "/", second.Folder.Path]).Value().Select(static run => run.Name));
    }
}
