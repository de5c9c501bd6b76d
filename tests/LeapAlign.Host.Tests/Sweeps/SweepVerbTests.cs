using System.Text.Json.Nodes;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Runs.Records;
using LeapAlign.Host.Sweeps;
using LeapAlign.Host.Tests.Commands;

namespace LeapAlign.Host.Tests.Sweeps;

/// <summary><c>sweep</c> from its command line, without processes.</summary>
[Collection("process")]
public sealed class SweepVerbTests : IDisposable
{
    private readonly TestWorkspace _workspace = new TestWorkspace().Write(TestWorkspace.Valid);
    private readonly TestTerminal _terminal = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void The_list_says_what_each_member_changes_and_how_far_it_is()
    {
        Sweep("""{ "axes": { "run.seed": [0, 1, 2] } }""");
        Made(1, RunState.Completed);
        Made(2, RunState.Interrupted, "run.steps=7");
        Assert.Equal(0, Run("--list"));
        var rows = _terminal.Output.TrimEnd().Split('\n');
        Assert.Matches("^number +name +state +sets *$", rows[0]);
        Assert.Matches("^0 +seed=0 +new +run.seed=0 *$", rows[1]);
        Assert.Matches("^1 +seed=1 +finished +run.seed=1 *$", rows[2]);
        Assert.Matches("^2 +seed=2 +changed +run.seed=2 *$", rows[3]);
        Assert.Empty(_terminal.Error);
    }

    [Theory]
    [InlineData("""{ "axes": { "run.seed": [0], "run.stepz": [1] } }""", 2, "sweep.json(1,", "run.stepz: 'stepz' is not a key of run; did you mean 'steps'? (member 0, 'base')")]
    [InlineData("""{ "axes": { "run.seed": [0, 1, -1] } }""", 2, "sweep.json(1,32) run.seed: ", "(member 2, 'seed=-1')")]
    [InlineData("""{ "members": [ {}, { "algorithm": "dirrect" } ] }""", 3, "sweep.json(1,22) algorithm", "did you mean 'direct'? (member 1, 'algorithm=dirrect')")]
    [InlineData("""{ "axes": { "rewards.smoth.weight": [1, 2] } }""", 2, "LA1009: ", "did you mean 'smooth'? (member 0, 'weight=1')")]
    public void A_member_that_cannot_be_composed_is_told_with_its_place_before_any_begins(string sweep, int code, params string[] words)
    {
        Sweep(sweep);
        Assert.Equal(code, Run());
        foreach (var word in words) Assert.Contains(word, _terminal.Error, StringComparison.Ordinal);
        Assert.Empty(_terminal.Output);
        Assert.False(Directory.Exists(Path.Combine(_workspace.Folder, "runs")));
    }

    [Fact]
    public void A_member_is_run_in_this_process_by_its_number()
    {
        Sweep("""{ "axes": { "run.seed": [0, 1] } }""");
        Assert.Equal(0, Run("--member", "1", "--set", "run.steps=4"));
        var resolved = JsonNode.Parse(_terminal.Resolved!)!["run"]!;
        Assert.Equal((1, 4, "seed=1", Path.Combine("runs", "sweep")), ((int)resolved["seed"]!, (int)resolved["steps"]!, (string)resolved["name"]!, (string)resolved["folder"]!));
        Assert.Null(_terminal.Trained!.Resume);
        Assert.False(_terminal.Trained.Force);
        Assert.Contains("run.seed=1", _terminal.Trained.Source.Set);
    }

    [Fact]
    public void A_member_that_was_stopped_goes_on_and_one_that_is_finished_does_nothing()
    {
        Sweep("""{ "axes": { "run.seed": [0, 1] } }""");
        Made(0, RunState.Completed);
        Made(1, RunState.Interrupted);
        Assert.Equal(0, Run("--member", "0"));
        Assert.Null(_terminal.Trained);
        Assert.Contains("member 0, 'seed=0', is finished", _terminal.Output, StringComparison.Ordinal);
        Assert.Equal(0, Run("--member", "1"));
        Assert.Equal("seed=1", _terminal.Trained!.Resume!.Folder.Name);
    }

    [Fact]
    public void A_member_of_another_configuration_is_refused_by_name()
    {
        Sweep("""{ "axes": { "run.seed": [0, 1] } }""");
        Made(1, RunState.Interrupted, "run.steps=7");
        Assert.Equal(4, Run("--member", "1"));
        Assert.Contains("error LA5007", _terminal.Error, StringComparison.Ordinal);
        Assert.Contains("run.steps (7 then, 150 now)", _terminal.Error, StringComparison.Ordinal);
        Assert.Contains("(member 1, 'seed=1')", _terminal.Error, StringComparison.Ordinal);
        Assert.Equal(0, Run("--member", "1", "--allow-change", "run.steps"));
        Assert.Equal(["run.steps"], _terminal.Trained!.Resume!.AllowedChanges);
    }

    [Theory]
    [InlineData("--member 2", "--member 2: the sweep has 2 members, the first being 0 and the last 1")]
    [InlineData("--member -1", "--member -1: the sweep has 2 members")]
    [InlineData("--list --slurm", "--list and --slurm are both given")]
    [InlineData("--jobs 2 --list", "--jobs says how many members run at once")]
    [InlineData("--jobs 0", "--jobs must be 1 to 4096, not 0")]
    [InlineData("--list --allow-change run.steps", "--allow-change is for members that go on")]
    [InlineData("--list --set run.seed=3", "--set 'run.seed=3' would do nothing: the sweep sets 'run.seed'")]
    [InlineData("--list --set run.name=a", "the sweep names its runs itself")]
    public void An_option_that_cannot_be_is_refused(string options, string words)
    {
        Sweep("""{ "axes": { "run.seed": [0, 1] } }""");
        Assert.Equal(2, Run(options.Split(' ')));
        Assert.StartsWith("error LA1009", _terminal.Error, StringComparison.Ordinal);
        Assert.Contains(words, _terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_script_of_a_job_array_has_a_task_for_each_member()
    {
        Sweep("""{ "axes": { "run.seed": [0, 1, 2] } }""");
        Assert.Equal(0, Run("--slurm", "--jobs", "2", "--set", "run.steps=4", "--allow-change", "run.steps"));
        var lines = _terminal.Output.Split('\n');
        Assert.Equal("#!/bin/bash", lines[0]);
        foreach (var line in new[] { "#SBATCH --job-name=sweep", "#SBATCH --array=0-2%2", "#SBATCH --ntasks=1", "#SBATCH --signal=TERM@120" }) Assert.Contains(line, lines);
        var call = Assert.Single(lines, static line => line.StartsWith("srun ", StringComparison.Ordinal));
        Assert.EndsWith($" sweep {SweepPath} --member \"$SLURM_ARRAY_TASK_ID\" --config {_workspace.Config} --set run.steps=4 --allow-change run.steps", call, StringComparison.Ordinal);
        // Options of sbatch stand before the first command.
        Assert.True(Array.FindLastIndex(lines, static line => line.StartsWith("#SBATCH", StringComparison.Ordinal)) < Array.IndexOf(lines, call));
    }

    [Fact]
    public void Words_of_the_script_are_words_of_the_shell_whatever_is_in_them()
    {
        var member = new SweepMember(0, "base", []);
        var script = SlurmScript.Of(new Sweep("/a b/it's.json", "s", "plugins.json", [member]), ["/my bin/leapalign"], ["--set", "x=\"$y\""], null);
        Assert.Contains("srun '/my bin/leapalign' sweep '/a b/it'\\''s.json' --member \"$SLURM_ARRAY_TASK_ID\" --set 'x=\"$y\"'\n", script, StringComparison.Ordinal);
        Assert.Contains("#SBATCH --array=0\n", script, StringComparison.Ordinal);
    }

    [Fact]
    public void A_device_of_another_machine_is_no_matter_for_the_script()
    {
        Sweep("""{ "axes": { "run.seed": [0, 1], "run.device": ["cuda:77"] } }""");
        Assert.Equal(0, Run("--list"));
        Assert.Equal(2, Run());
        Assert.Contains("LA1010", _terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_report_of_nothing_is_a_fault()
    {
        Sweep("""{ "axes": { "run.seed": [0, 1] } }""");
        Assert.Equal(6, Run("--report"));
        Assert.Contains("no member of the sweep has run", _terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_sweep_that_a_launcher_starts_several_times_is_refused()
    {
        Assert.Null(SweepVerb.Several(null));
        Assert.Null(SweepVerb.Several(new Launcher(Launcher.Slurm, 0, 1, 1)));
        Assert.Contains("srun started several processes", SweepVerb.Several(new Launcher(Launcher.Slurm, 0, 4, 4))!.Message, StringComparison.Ordinal);
    }

    private string SweepPath => Path.Combine(_workspace.Folder, "sweep.json");

    private void Sweep(string json) => File.WriteAllText(SweepPath, json);

    private int Run(params string[] options) => _terminal.Run(TestWorkspace.BuiltPlugins, ["sweep", SweepPath, "-c", _workspace.Config, .. options]);

    private void Made(int seed, RunState state, params string[] sets)
    {
        var plan = _workspace.Compose([$"run.seed={seed}", $"run.folder={JsonText.Of(Path.Combine("runs", "sweep"))}", $"run.name=seed={seed}", .. sets]).Value();
        var folder = Host.Runs.Folders.RunFolder.At(Path.Combine(_workspace.Folder, "runs", "sweep", $"seed={seed}"));
        Directory.CreateDirectory(Path.Combine(folder.Checkpoints, "step-000001"));
        File.WriteAllText(folder.Resolved, plan.ResolvedJson);
        var when = DateTimeOffset.UnixEpoch;
        File.WriteAllBytes(folder.Record, new RunRecord("0", when, when, state, null, new Dictionary<string, string>(), []).ToJson());
    }
}
