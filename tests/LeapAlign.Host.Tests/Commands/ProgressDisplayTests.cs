using LeapAlign.Host.Kernel;
using LeapAlign.Host.Runs;
using LeapAlign.Host.Runs.Metrics;

namespace LeapAlign.Host.Tests.Commands;

/// <summary>What a run says of its evaluations at the end.</summary>
public sealed class ProgressDisplayTests
{
    [Theory]
    [InlineData(0.50004, 0.50001, "0.0000")]
    [InlineData(0.50001, 0.50004, "0.0000")]
    [InlineData(0.5, 0.5, "0.0000")]
    [InlineData(0.5, 0.5231, "+0.0231")]
    [InlineData(0.5, -0.25, "-0.7500")]
    public void A_gain_has_one_sign_and_none_where_nothing_is_left_of_it(double before, double after, string gain)
    {
        var screen = new TestScreen(120);
        var progress = new ProgressDisplay(screen.Console, 1, RunHistory.Empty);
        foreach (var (step, mean) in new[] { (0, before), (1, after) })
            progress.Evaluated(new EvaluationReport { Step = step, Rewards = new Dictionary<string, double> { ["judge"] = mean }, Tasks = new Dictionary<string, IReadOnlyDictionary<string, double>>(), Images = 2, Seconds = 1, Samples = [] }).Value();
        progress.Summarize();
        var row = screen.Lines().Single(static line => line.StartsWith("│ judge", StringComparison.Ordinal));
        Assert.Equal(gain, row.Split('│', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)[^1]);
    }
}
