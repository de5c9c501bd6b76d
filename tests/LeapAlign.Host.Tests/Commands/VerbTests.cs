using System.Text.Json.Nodes;
using LeapAlign.Host.Commands.Verbs;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Schema;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Commands;

[Collection("process")]
public sealed class VerbTests
{
    private static readonly string s_bundled = TestWorkspace.BuiltPlugins;

    [Fact]
    public void Validate_names_the_parts()
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        var terminal = new TestTerminal();
        Assert.Equal(0, terminal.Run(s_bundled, "validate", "--config", workspace.Config, "--set", "run.steps=12", "--set", "run.accumulation=2"));
        foreach (var word in new[] { "canvas", "direct", "smooth", "is valid: 12 steps of 64 captions" }) Assert.Contains(word, terminal.Output, StringComparison.Ordinal);
        Assert.Empty(terminal.Error);
    }

    [Fact]
    public void Validate_prints_the_resolved_file()
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        var terminal = new TestTerminal();
        Assert.Equal(0, terminal.Run(s_bundled, "validate", "-c", workspace.Config, "--resolved"));
        Assert.Equal(150, JsonNode.Parse(terminal.Output)!["run"]!["steps"]!.GetValue<int>());
    }

    [Fact]
    public void A_fault_is_one_line_with_code_place_and_key_and_the_exit_code_of_its_family()
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid.Replace("\"euler\"", "\"eular\"", StringComparison.Ordinal));
        var terminal = new TestTerminal();
        Assert.Equal(3, terminal.Run(s_bundled, "validate", "-c", workspace.Config));
        Assert.Equal($"error LA2001: {workspace.Config}(4,3) sampler: no plugin offers the sampler 'eular'; did you mean 'euler'?\n", terminal.Error);
        Assert.Empty(terminal.Output);
    }

    [Theory]
    [InlineData("2", true)]
    [InlineData("1", false)]
    public void The_weight_of_a_reward_that_is_held_out_is_a_warning_of_its_key(string weight, bool warned)
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid.Replace("[\"smooth\"]", "[\"smooth\", {\"id\": \"flat\", \"role\": \"heldOut\"}]", StringComparison.Ordinal));
        var terminal = new TestTerminal();
        Assert.Equal(0, terminal.Run(s_bundled, "validate", "-c", workspace.Config, "--set", $"rewards.flat.weight={weight}"));
        if (!warned) Assert.Empty(terminal.Error);
        else Assert.Matches("^warning LA3003: .*rewards\\[1\\].weight: the reward 'flat' is held out, so that its weight of 2 has no effect", terminal.Error);
    }

    [Theory]
    [InlineData("3", "3")]
    [InlineData("[]", "an empty list")]
    [InlineData("soon", "'soon'")]
    public void A_section_that_is_no_object_is_told(string value, string shown)
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        var terminal = new TestTerminal();
        Assert.Equal(2, terminal.Run(s_bundled, "validate", "-c", workspace.Config, "--set", $"run={value}"));
        Assert.Equal($"error LA1004: --set run: an object was expected, not {shown}\n", terminal.Error);
    }

    [Fact]
    public void List_shows_states_and_why_a_plugin_is_faulted()
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        File.Delete(Path.Combine(workspace.Drop("speaks-1", "dropped"), "plugin.json"));
        var terminal = new TestTerminal();
        Assert.Equal(0, terminal.Run(s_bundled, "list", "-c", workspace.Config));
        var rows = terminal.Output.Split('\n');
        Assert.Contains(rows, row => row.Contains("canvas", StringComparison.Ordinal) && row.Contains("model", StringComparison.Ordinal) && row.Contains("Configured", StringComparison.Ordinal));
        Assert.Contains(rows, row => row.Contains("never-made", StringComparison.Ordinal) && row.Contains("Faulted", StringComparison.Ordinal) && row.Contains("LA2007", StringComparison.Ordinal));
        Assert.Contains(rows, row => row.Contains("dropped", StringComparison.Ordinal) && row.Contains("LA2002", StringComparison.Ordinal));
        // The clinging plugin is part of the test plugins.
        Assert.Contains("warning LA2010", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void List_takes_one_kind()
    {
        var terminal = new TestTerminal();
        Assert.Equal(0, terminal.Run(s_bundled, "list", "--kind", "sampler"));
        Assert.Contains("euler", terminal.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("canvas", terminal.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Algorithms_are_listed_with_what_they_require_and_cost()
    {
        var terminal = new TestTerminal();
        Assert.Equal(0, terminal.Run(s_bundled, "list", "--kind", "algorithm"));
        Assert.Contains("differentiable-reward", terminal.Output, StringComparison.Ordinal);
        Assert.Contains("N = 10", terminal.Output, StringComparison.Ordinal);
        Assert.Contains("7 F + 3 G + 1 V", terminal.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_sampler_says_how_many_steps_the_cost_is_of()
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        var terminal = new TestTerminal();
        // The test's sampler takes a step more than its setting says; the other one says nothing.
        Assert.Equal(0, terminal.Run(s_bundled, "list", "--kind", "algorithm", "-c", workspace.Config, "--set", "sampler.settings.steps=16"));
        Assert.Contains("N = 17", terminal.Output, StringComparison.Ordinal);
        Assert.Equal(0, terminal.Run(s_bundled, "list", "--kind", "algorithm", "-c", workspace.Config, "--set", "sampler=sde", "--set", "sampler.settings.steps=16"));
        Assert.Contains("N = 10", terminal.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_are_explained()
    {
        var terminal = new TestTerminal();
        Assert.Equal(0, terminal.Run(s_bundled, "settings", "canvas"));
        var rows = terminal.Output.Split('\n');
        Assert.Contains(rows, row => System.Text.RegularExpressions.Regex.IsMatch(row, @"folder +string +\(required\) +The folder of the model"));
        Assert.Contains(rows, row => System.Text.RegularExpressions.Regex.IsMatch(row, @"size +integer +64 +8 to 1024 +The size of pictures"));
    }

    [Fact]
    public void Settings_inside_settings_and_host_sections_are_explained()
    {
        var terminal = new TestTerminal();
        Assert.Equal(0, terminal.Run(s_bundled, "settings", "smooth", "--kind", "reward"));
        Assert.Matches(@"channels\.green +number +0\.5 +above 0 to 1", terminal.Output);
        Assert.Equal(0, terminal.Run(s_bundled, "settings", "run"));
        Assert.Matches(@"dtype +string +""bfloat16"" +bfloat16, float32", terminal.Output);
    }

    [Fact]
    public void Every_section_of_the_schema_is_explained_with_every_key_of_it()
    {
        var sections = ConfigurationSchema.Structure["properties"]!.AsObject().Select(static section => section.Key).Where(static key => key != "$schema").ToList();
        Assert.Contains("telemetry", sections);
        foreach (var section in sections)
        {
            var terminal = new TestTerminal();
            Assert.Equal(0, terminal.Run(s_bundled, "settings", section));
            Assert.StartsWith($"{section}: a section of plugins.json. ", terminal.Output, StringComparison.Ordinal);
            var keys = ConfigurationSchema.Structure["properties"]![section]!["properties"]?.AsObject().Select(static property => property.Key) ?? ["id", "settings", "sha256"];
            Assert.All(keys, key => Assert.Matches($@"(?m)^{key}[. ]", terminal.Output));
        }
        var misspelt = new TestTerminal();
        Assert.Equal(3, misspelt.Run(s_bundled, "settings", "sentinal"));
        Assert.Contains("did you mean 'sentinel'?", misspelt.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("canvass", null, "did you mean 'canvas'?")]
    [InlineData("canvas", "sampler", "the sampler 'canvas'")]
    public void Settings_of_an_unknown_part_are_a_fault(string id, string? kind, string words)
    {
        var terminal = new TestTerminal();
        string[] further = kind is null ? [] : ["--kind", kind];
        Assert.Equal(3, terminal.Run(s_bundled, ["settings", id, .. further]));
        Assert.Contains("LA2001", terminal.Error, StringComparison.Ordinal);
        Assert.Contains(words, terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_of_a_faulted_plugin_say_why_there_are_none()
    {
        var terminal = new TestTerminal();
        Assert.Equal(3, terminal.Run(s_bundled, "settings", "never-listed"));
        Assert.Contains("error LA2007", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Init_writes_a_file_that_is_understood_and_never_overwrites_one()
    {
        using var workspace = new TestWorkspace();
        var terminal = new TestTerminal();
        Assert.Equal(0, terminal.Run(s_bundled, "init", "-c", workspace.Config));
        var source = JsonSource.Read(workspace.Config).Value();
        Assert.Null(SchemaCheck.First(source.Root, ConfigurationSchema.Structure, "", source));

        File.WriteAllText(workspace.Config, "mine");
        Assert.Equal(2, terminal.Run(s_bundled, "init", "-c", workspace.Config));
        Assert.Contains("--force", terminal.Error, StringComparison.Ordinal);
        Assert.Equal("mine", File.ReadAllText(workspace.Config));

        Assert.Equal(0, terminal.Run(s_bundled, "init", "-c", workspace.Config, "--force"));
        Assert.Equal(InitVerb.Starter, File.ReadAllText(workspace.Config));
    }

    [Fact]
    public void What_cannot_be_written_is_a_fault_and_leaves_nothing()
    {
        using var workspace = new TestWorkspace();
        var terminal = new TestTerminal();
        var path = Path.Combine(workspace.Folder, "absent", "plugins.json");
        Assert.Equal(6, terminal.Run(s_bundled, "init", "-c", path));
        Assert.Contains($"error LA5002: {path}", terminal.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(workspace.Folder));
    }

    [Fact]
    public void Doctor_looks_at_tensors_plugins_and_files()
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        workspace.Drop("parts");
        var terminal = new TestTerminal();
        // Neither the model folder nor the captions are there.
        Assert.Equal(1, terminal.Run(Path.Combine(workspace.Folder, "none"), "doctor", "-c", workspace.Config));
        Assert.Matches(@"ok +natives +libtorch", terminal.Output);
        Assert.Matches(@"ok +gradient", terminal.Output);
        Assert.Matches(@"ok +plugin parts +version 1\.0\.0", terminal.Output);
        Assert.Matches(@"BAD +model canvas", terminal.Output);

        Directory.CreateDirectory(Path.Combine(workspace.Folder, "m"));
        File.WriteAllText(Path.Combine(workspace.Folder, "m", "weights"), "12345");
        File.WriteAllText(Path.Combine(workspace.Folder, "captions.txt"), "a caption");
        terminal = new();
        Assert.Equal(0, terminal.Run(Path.Combine(workspace.Folder, "none"), "doctor", "-c", workspace.Config));
        Assert.Matches(@"ok +model canvas +folder: .* is readable, 1 file", terminal.Output);
    }

    [Fact]
    public void Doctor_tells_a_bad_file_from_a_bad_machine()
    {
        using var workspace = new TestWorkspace().Write("{");
        var terminal = new TestTerminal();
        Assert.Equal(1, terminal.Run(Path.Combine(workspace.Folder, "none"), "doctor", "-c", workspace.Config));
        Assert.Matches(@"BAD .*plugins\.json +LA1002", terminal.Output);
        Assert.Matches(@"ok +natives", terminal.Output);
        Assert.Equal(FaultCodes.ConfigurationNotJson, "LA1002");
    }
}
