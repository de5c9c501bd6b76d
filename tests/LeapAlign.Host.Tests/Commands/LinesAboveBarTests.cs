using LeapAlign.Host.Commands;
using LeapAlign.Host.Runs;
using LeapAlign.Host.Runs.Metrics;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Commands;

/// <summary>What is said about a run while its bar stands on the same screen.</summary>
public sealed class LinesAboveBarTests
{
    private readonly TestScreen _screen = new(120);

    [Fact]
    public void A_warning_stands_above_the_bar_and_the_bar_stands_once()
    {
        var progress = new ProgressDisplay(_screen.Console, 10, RunHistory.Empty);
        using var error = new LinesAboveBar(_screen.Console);
        var warnings = new Warnings(error);
        progress.Around(() =>
        {
            for (var step = 0; step < 6; step++)
            {
                progress.Stepped(StepReports.Of(step)).Value();
                if (step is 1 or 3) warnings.Add(new Fault.Run($"LA000{step}", $"odd [[{step}]]"));
            }
            return 0;
        });
        var lines = _screen.Lines();
        Assert.Equal(["warning LA0001: odd [[1]]", "warning LA0003: odd [[3]]"], lines.Take(2));
        Assert.Contains("60%", lines[2], StringComparison.Ordinal);
        Assert.Single(lines, static line => line.Contains('%', StringComparison.Ordinal));
        Assert.Contains("step 6/10", string.Concat(lines.Skip(2)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_longer_than_the_screen_is_not_folded()
    {
        using var error = new LinesAboveBar(_screen.Console);
        var text = string.Join(' ', Enumerable.Repeat("word", 100));
        error.WriteLine(text);
        error.Write("half");
        Assert.Equal([text], _screen.Lines());
        error.Flush();
        Assert.Equal([text, "half"], _screen.Lines());
    }
}
