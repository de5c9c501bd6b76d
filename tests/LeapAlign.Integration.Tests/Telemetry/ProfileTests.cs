using System.Globalization;
using System.Text.RegularExpressions;

namespace LeapAlign.Integration.Tests.Telemetry;

/// <summary><c>leapalign profile</c>.</summary>
public sealed partial class ProfileTests : IDisposable
{
    private readonly Workspace _workspace = new();

    [Fact]
    public void It_says_where_time_and_memory_went_and_leaves_nothing_behind()
    {
        var outcome = _workspace.Leapalign("profile", "--steps", "2");
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        Assert.Empty(outcome.Error);
        Assert.False(Directory.Exists(_workspace.At("runs")));
        var stages = Rows(outcome.Output, "stage", "step ");
        var classes = Rows(outcome.Output, "operation class", "F-ledger");
        // Both tables take the step apart, each second once.
        var step = Number(Regex.Match(outcome.Output, @"^step +([0-9.]+)", RegexOptions.Multiline).Groups[1].Value);
        Assert.InRange(stages.Sum(static row => Number(row.Groups["seconds"].Value)) / step, 0.97, 1.03);
        Assert.InRange(classes.Sum(static row => Number(row.Groups["seconds"].Value)) / step, 0.97, 1.03);
        Assert.Equal("2", stages.Single(static row => row.Groups["name"].Value.Trim() == "velocity, with gradient").Groups["calls"].Value);
        Assert.Contains("4, 2 of them with gradient", outcome.Output, StringComparison.Ordinal);
        Assert.Matches("resident, highest +[1-9][0-9]* MB", outcome.Output);
        Assert.Matches("tensors alive after a step +[1-9]", outcome.Output);
    }

    [Fact]
    public void It_takes_at_least_one_step()
    {
        var outcome = _workspace.Leapalign("profile", "--steps", "0");
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains("error LA1009: command line: --steps is 0", outcome.Error, StringComparison.Ordinal);
    }

    public void Dispose() => _workspace.Dispose();

    private static List<Match> Rows(string output, string from, string to)
    {
        var begin = output.IndexOf(from, StringComparison.Ordinal);
        var end = output.IndexOf($"\n{to}", begin + from.Length, StringComparison.Ordinal);
        return [.. Row().Matches(output[begin..end]).Cast<Match>()];
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(?<name>[a-z][a-z, ]*?) +((?<calls>[0-9.]+) +)?(?<seconds>[0-9]+\.[0-9]{4}) +[0-9.]+ ?%", RegexOptions.Multiline)]
    private static partial Regex Row();
}
