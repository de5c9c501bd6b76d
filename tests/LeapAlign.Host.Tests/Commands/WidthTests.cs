using LeapAlign.Host.Kernel;
using LeapAlign.Host.Runs;
using LeapAlign.Host.Runs.Metrics;

namespace LeapAlign.Host.Tests.Commands;

/// <summary>A screen of any width: what is shown may be ugly, but it is shown, and comes to an end.</summary>
public sealed class WidthTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    [Theory]
    [InlineData("--help")]
    [InlineData("train", "--help")]
    [InlineData("generate", "--help")]
    [InlineData("list", "--help")]
    [InlineData("settings", "--help")]
    [InlineData("validate", "--help")]
    [InlineData("init", "--help")]
    [InlineData("schema", "--help")]
    [InlineData("pin", "--help")]
    [InlineData("doctor", "--help")]
    [InlineData("replay", "--help")]
    [InlineData("checkpoint", "--help")]
    [InlineData("checkpoint", "export", "--help")]
    [InlineData("report", "--help")]
    [InlineData("watch", "--help")]
    [InlineData("profile", "--help")]
    public Task Help_ends_at_every_width(params string[] arguments) => Ends(arguments.Length == 1 ? Enumerable.Range(1, 200) : [.. Enumerable.Range(1, 30), 60, 80, 200], width =>
    {
        var terminal = new TestTerminal { Screen = new TestScreen(width) };
        Assert.Equal(0, terminal.Run("none", arguments));
        Assert.Contains(terminal.Screen.Lines(), static line => line.StartsWith("Usage:", StringComparison.Ordinal));
    });

    [Theory]
    [InlineData("list")]
    [InlineData("list", "--kind", "algorithm")]
    [InlineData("settings", "evaluation")]
    [InlineData("settings", "canvas")]
    [InlineData("validate")]
    public async Task Tables_end_at_every_width(params string[] arguments)
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        workspace.Drop("parts");
        // Each takes the plugin through its life, so not all two hundred.
        await Ends([.. Enumerable.Range(1, 12), 40, 79, 200], width => Assert.Equal(0, new TestTerminal { Screen = new TestScreen(width) }.Run("none", [.. arguments, "-c", workspace.Config])));
    }

    [Fact]
    public Task Progress_ends_at_every_width() => Ends([.. Enumerable.Range(1, 24), 40, 80, 200], static width =>
    {
        var progress = new ProgressDisplay(new TestScreen(width).Console, 2, RunHistory.Empty);
        progress.Around(() => progress.Stepped(StepReports.Of(0)).Value());
        progress.Evaluated(new EvaluationReport { Step = 0, Rewards = new Dictionary<string, double> { ["a long name of a reward"] = 0.5 }, Tasks = new Dictionary<string, IReadOnlyDictionary<string, double>>(), Images = 2, Seconds = 1, Samples = [] }).Value();
        progress.Summarize();
    });

    // What hangs cannot be ended; the test says so instead of hanging with it.
    private static Task Ends(IEnumerable<int> widths, Action<int> show) =>
        Task.Run(() => widths.ToList().ForEach(show)).WaitAsync(s_patience, TestContext.Current.CancellationToken);
}
