using System.Text;
using LeapAlign.Host.Runs.Metrics;
using LeapAlign.Host.Tests.Reports;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Live;

/// <summary>metrics.jsonl while it grows.</summary>
public sealed class MetricsReaderTests : IDisposable
{
    private readonly WrittenRun _run = new WrittenRun().Evaluation(0, 0.5).Step(1).Step(2).Evaluation(2, 0.6).Step(3).Save();

    [Fact]
    public void A_line_counts_from_its_end_on_wherever_reading_stopped_before()
    {
        var bytes = Encoding.UTF8.GetBytes(_run.Lines);
        var reader = new MetricsReader(_run.Folder.Metrics);
        for (var length = 0; length <= bytes.Length; length++)
        {
            var history = reader.Read(length).Value();
            Assert.Equal(bytes.Take(length).Count(static one => one == (byte)'\n'), history.Steps.Count + history.Evaluations.Count);
        }
        var all = reader.Read().Value();
        Assert.Equal([1, 2, 3], all.Steps.Select(static step => step.Step));
        Assert.Equal([0, 2], all.Evaluations.Select(static evaluation => evaluation.Step));
    }

    [Fact]
    public void A_line_that_was_read_is_not_parsed_again()
    {
        var reader = new MetricsReader(_run.Folder.Metrics);
        var first = reader.Read().Value().Steps[0];
        _run.Step(4).Save();
        var steps = reader.Read().Value().Steps;
        Assert.Equal(4, steps.Count);
        Assert.Same(first, steps[0]);
    }

    [Fact]
    public void A_file_that_was_cut_and_written_again_is_read_anew()
    {
        var reader = new MetricsReader(_run.Folder.Metrics);
        reader.Read().Value();
        _run.Lines = "";
        _run.Step(1).Save();
        Assert.Equal(1, Assert.Single(reader.Read().Value().Steps).Step);

        // As long as before and longer, so that only the last line that was read tells.
        _run.Lines = "";
        _run.Step(1, loss: 7).Step(2).Step(3).Save();
        Assert.Equal([7, 1, 1], reader.Read().Value().Steps.Select(static step => step.Loss));
    }

    [Fact]
    public void After_a_line_that_is_none_it_is_read_from_the_beginning()
    {
        var reader = new MetricsReader(_run.Folder.Metrics);
        var good = _run.Lines;
        _run.Lines += "[1]\n";
        _run.Save();
        reader.Read().Fault(FaultCodes.RunNotReadable, "line 6 is neither");
        reader.Read().Fault(FaultCodes.RunNotReadable, "line 6 is neither");
        _run.Lines = good;
        _run.Save();
        Assert.Equal(3, reader.Read().Value().Steps.Count);
    }

    public void Dispose() => _run.Dispose();
}
