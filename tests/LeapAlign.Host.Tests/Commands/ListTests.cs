namespace LeapAlign.Host.Tests.Commands;

/// <summary>What <c>list</c> says of parts that ask something of a run.</summary>
public sealed class ListTests
{
    private const string Demanding = "\"optimizer\": { \"id\": \"demanding\", \"settings\": { \"needs\": [\"rows\"] } }";

    [Fact]
    public void An_optimizer_is_listed_with_what_its_settings_require()
    {
        using var workspace = Workspace(TestWorkspace.Valid.Replace("\"direct\"", "\"repeatable\"", StringComparison.Ordinal).Replace("\"optimizer\": \"descent\"", Demanding, StringComparison.Ordinal));
        var terminal = Run(0, "list", "--kind", "optimizer", "-c", workspace.Config);
        Assert.Matches("id +kind +version +state +about +requires", terminal.Output);
        Assert.Matches("\ndemanding +optimizer .* rows", terminal.Output);
        Assert.DoesNotMatch("\ndescent +optimizer .* rows", terminal.Output);
    }

    [Fact]
    public void The_bundled_objectives_are_listed_with_what_they_require_and_cost()
    {
        var terminal = new TestTerminal();
        Assert.Equal(0, terminal.Run(Path.Combine(TestWorkspace.HostFolder, "plugins"), "list", "--kind", "objective"));
        Assert.Matches("\nkl +objective .* reference-policy +1 F \\+ 1 G", terminal.Output);
        Assert.Matches("\nflow-matching +objective .* pictures +0 F \\+ 1 G", terminal.Output);
    }

    [Theory]
    [InlineData("lv-hba", "reward-weights")]
    [InlineData("constrained-newton", "reward-weights")]
    [InlineData("harpg", "second-draw, hessian-vector")]
    [InlineData("dal", "replay")]
    public void An_optimizer_whose_settings_have_to_be_given_is_listed_with_what_it_requires(string id, string required)
    {
        var terminal = new TestTerminal();
        Assert.Equal(0, terminal.Run(Path.Combine(TestWorkspace.HostFolder, "plugins"), "list", "--kind", "optimizer"));
        Assert.Matches($"\n{id} +optimizer .* {required} *\n", terminal.Output);
    }

    [Fact]
    public void A_file_that_is_named_is_read_or_refused()
    {
        using var workspace = Workspace(TestWorkspace.Valid);
        foreach (var verb in new[] { "list", "settings run" }) Assert.Contains("LA1001", Run(2, [.. verb.Split(' '), "-c", Path.Combine(workspace.Folder, "other.json")]).Error, StringComparison.Ordinal);
        Assert.Contains("'stepz' is not a key", Run(2, "list", "--kind", "algorithm", "-c", workspace.Config, "-s", "sampler.settings.stepz=3").Error, StringComparison.Ordinal);
        Assert.Contains("N = 7", Run(0, "list", "--kind", "algorithm", "-c", workspace.Config, "-s", "sampler.settings.steps=6").Output, StringComparison.Ordinal);
    }

    private static TestWorkspace Workspace(string json) => new TestWorkspace().Write(json);

    private static TestTerminal Run(int code, params string[] arguments)
    {
        var terminal = new TestTerminal();
        Assert.Equal(code, terminal.Run(TestWorkspace.BuiltPlugins, arguments));
        return terminal;
    }
}
