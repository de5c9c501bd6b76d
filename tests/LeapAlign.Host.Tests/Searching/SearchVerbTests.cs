using LeapAlign.Host.Tests.Commands;

namespace LeapAlign.Host.Tests.Searching;

/// <summary><c>search</c> from its command line: what is refused before the first trial begins.</summary>
[Collection("process")]
public sealed class SearchVerbTests : IDisposable
{
    private readonly TestWorkspace _workspace = new TestWorkspace().Write(TestWorkspace.Valid);

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [InlineData("""{ "guidance.scale": { "from": 1, "to": 180 } }""", "LA1005", "guidance.scale: 180 is outside 1 to 100")]
    [InlineData("""{ "guidance.scale": { "from": 0, "to": 9, "start": 2 } }""", "LA1005", "guidance.scale: 0 is outside 1 to 100")]
    [InlineData("""{ "run.batch": { "from": 1, "to": 9, "start": 2 } }""", "LA1004", "run.batch: a whole number was expected")]
    [InlineData("""{ "guidance.scale": { "from": 1, "to": 4 } }""", "LA1009", "--set 'guidance.scale=2' would do nothing: the search sets 'guidance.scale'", "guidance.scale=2")]
    [InlineData("""{ "guidance.scale": { "from": 1, "to": 4 } }""", "LA1009", "--set 'run.steps=2' would do nothing: the search sets 'run.steps'", "run.steps=2")]
    [InlineData("""{ "guidance.scale": { "from": 1, "to": 4 } }""", "LA1009", "--set 'run.name=a': the search names its runs itself", "run.name=a")]
    [InlineData("""{ "guidance.scale": { "from": 1, "to": 4 } }""", "LA1024", "evaluation.every must not be below 0", "evaluation.every=-1")]
    public void What_a_later_trial_could_not_have_or_would_not_look_at_is_refused_at_once(string settings, string code, string words, params string[] set)
    {
        var file = Path.Combine(_workspace.Folder, "search.json");
        File.WriteAllText(file, $$"""{ "reward": "smooth", "settings": {{settings}}, "set": { "run.steps": 1 }, "trials": 3 }""");
        var terminal = new TestTerminal();
        Assert.NotEqual(0, terminal.Run(TestWorkspace.BuiltPlugins, ["search", file, "-c", _workspace.Config, .. set.SelectMany(static text => new[] { "--set", text })]));
        Assert.StartsWith($"error {code}: ", terminal.Error, StringComparison.Ordinal);
        Assert.Contains(words, terminal.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_workspace.Folder, "runs")));
    }
}
