using System.Diagnostics;
using System.Text.Json.Nodes;
using LeapAlign.Testing;

namespace LeapAlign.Integration.Tests.Interruptions;

/// <summary>Runs of the built program that are interrupted in every way, moved, damaged, and gone on with.</summary>
public sealed class ResumeTests : IDisposable
{
    private static readonly Lazy<string> s_whole = new(RunWhole);
    private readonly Workspace _workspace = Make();

    public ResumeTests() => Repository.CopyFolder(s_whole.Value, Run("whole"));

    [Theory]
    [InlineData("step 1/")]
    [InlineData("step 5/")]
    [InlineData("evaluation after step 3")]
    public void A_run_that_is_killed_goes_on_to_the_same_bytes(string at)
    {
        // The first checkpoint is written while the first step is made; on a slow disk it may come later than that.
        Kill("KILL", at, () => Directory.Exists(Path.Combine(Run("killed"), "checkpoints", "step-000000")), "train", "--name", "killed");
        var resumed = Succeed("train", "--resume", Run("killed"));
        Assert.Contains("its newest valid checkpoint", resumed.Output, StringComparison.Ordinal);
        Digest.AssertSame(Run("whole"), Run("killed"));
        Assert.Equal(0, _workspace.Leapalign("checkpoint", "verify", Run("killed")).ExitCode);
    }

    [Fact]
    public void A_run_that_is_interrupted_leaves_a_checkpoint_of_its_last_step_and_may_move_with_everything()
    {
        Kill("INT", "step 3/", "train", "--name", "moved");
        using var elsewhere = new Workspace();
        Directory.Delete(elsewhere.Folder, recursive: true);
        Directory.Move(_workspace.Folder, elsewhere.Folder);
        Directory.CreateDirectory(_workspace.Folder);
        var resumed = elsewhere.Leapalign("train", "--resume", "latest");
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.Matches("resumed from step-00000[3-5]", resumed.Output);
        Digest.AssertSame(elsewhere.At("runs", "whole"), elsewhere.At("runs", "moved"));
    }

    [Theory]
    [InlineData("found")]
    [InlineData("lost-rescued")]
    public void A_run_whose_folder_is_moved_or_removed_while_it_goes_on_goes_on_there_to_the_same_bytes(string there)
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("only Linux tells where an open folder is");
        using var process = BuiltHost.Start(_workspace.Folder, BuiltHost.Program, "train", "--name", "lost");
        WaitFor(process, "step 2/");
        if (there == "found") Directory.Move(Run("lost"), Run(there));
        else Repository.DeleteFolder(Run("lost"));
        var outcome = BuiltHost.Finish(process);
        Assert.True(outcome.ExitCode == 6, $"{outcome.ExitCode}: {outcome.Error}");
        Assert.Contains($"error LA5023: {Run("lost")}: ", outcome.Error, StringComparison.Ordinal);
        Assert.Contains($"'leapalign train --resume {Run(there)}'", outcome.Error, StringComparison.Ordinal);
        Assert.False(Path.Exists(Run("lost")));
        Succeed("train", "--resume", Run(there));
        Digest.AssertSame(Run("whole"), Run(there));
    }

    [Fact]
    public void A_damaged_checkpoint_is_passed_over_with_a_warning_and_the_result_is_the_same()
    {
        Kill("KILL", "step 5/", "train", "--name", "damaged");
        var newest = Directory.GetDirectories(Path.Combine(Run("damaged"), "checkpoints")).Order(StringComparer.Ordinal).Last();
        using (var file = new FileStream(Path.Combine(newest, "policy.safetensors"), FileMode.Open))
        {
            file.Seek(-5, SeekOrigin.End);
            file.WriteByte(0x55);
        }
        // What several processes would have left, had they been killed while they wrote.
        foreach (var left in new[] { ".step-000005.part-00001", "..step-000005.part-00000.partial" }) Directory.CreateDirectory(Path.Combine(Run("damaged"), "checkpoints", left));
        var verified = _workspace.Leapalign("checkpoint", "verify", Run("damaged"));
        Assert.Equal(6, verified.ExitCode);
        Assert.Contains("LA5005", verified.Error, StringComparison.Ordinal);
        var resumed = Succeed("train", "--resume", Run("damaged"));
        Assert.Contains("warning LA5005", resumed.Error, StringComparison.Ordinal);
        Digest.AssertSame(Run("whole"), Run("damaged"));
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(Path.Combine(Run("damaged"), "checkpoints")), static path => Path.GetFileName(path).StartsWith('.'));
    }

    [Fact]
    public void Another_configuration_is_refused_key_by_key_unless_it_is_allowed()
    {
        _workspace.Json["run"]!["steps"] = 8;
        _workspace.Json["algorithm"] = new JsonObject { ["id"] = "leapalign", ["settings"] = new JsonObject { ["alpha"] = 0.1 } };
        _workspace.Save();
        var before = Digest.Metrics(Run("whole"));
        var refused = _workspace.Leapalign("train", "--resume", Run("whole"), "--allow-change", "run.steps");
        Assert.Equal(4, refused.ExitCode);
        Assert.Contains("LA5007", refused.Error, StringComparison.Ordinal);
        Assert.Contains("algorithm.settings.alpha (0.3 then, 0.1 now)", refused.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("run.steps", refused.Error, StringComparison.Ordinal);
        Assert.Equal(before, Digest.Metrics(Run("whole")));
        Succeed("train", "--resume", Run("whole"), "--allow-change", "run.steps", "--allow-change", "algorithm");
        // The evaluation after step 6 was the last one then, and would not be due at step 6 of a run of 8 steps.
        Assert.Equal(8, Digest.Metrics(Run("whole")).Count(static line => line.StartsWith("{\"kind\":\"step\"", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_run_folder_belongs_to_one_process_at_a_time()
    {
        using var process = BuiltHost.Start(_workspace.Folder, BuiltHost.Program, "train", "--name", "taken", "--set", "run.steps=500", "--set", "evaluation.every=-1");
        WaitFor(process, "step 1/");
        var second = _workspace.Leapalign("train", "--resume", Run("taken"));
        var forced = _workspace.Leapalign("train", "--force", "--name", "taken");
        process.Kill();
        process.WaitForExit();
        Assert.Equal((6, 6), (second.ExitCode, forced.ExitCode));
        Assert.Contains("LA5001", second.Error, StringComparison.Ordinal);
        Assert.Contains("LA5001", forced.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(Run("taken"), "metrics.jsonl")));
    }

    [Fact]
    public void A_step_can_be_done_again_alone_and_its_numbers_are_compared()
    {
        Assert.Contains("gradient norm", Succeed("replay", Run("whole"), "--step", "5").Output, StringComparison.Ordinal);
        var metrics = Path.Combine(Run("whole"), "metrics.jsonl");
        var lines = File.ReadAllLines(metrics);
        var fifth = Array.FindIndex(lines, static line => line.StartsWith("{\"kind\":\"step\",\"step\":5,", StringComparison.Ordinal));
        lines[fifth] = lines[fifth].Replace("\"loss\":", "\"loss\":1", StringComparison.Ordinal);
        File.WriteAllLines(metrics, lines);
        var differs = _workspace.Leapalign("replay", Run("whole"), "--step", "5");
        Assert.Equal(6, differs.ExitCode);
        Assert.Contains("LA5010: step 5 differs from what was recorded in loss", differs.Error, StringComparison.Ordinal);
        Assert.Contains("LA1009", _workspace.Leapalign("replay", Run("whole"), "--step", "0").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Checkpoints_are_listed_pruned_and_exported()
    {
        var listed = Succeed("checkpoint", "list", Run("whole")).Output;
        Assert.Contains("best by", listed, StringComparison.Ordinal);
        Succeed("checkpoint", "export", Run("whole"), "--output", "models/last");
        Assert.Equal(Digest.Weights(Run("whole")), Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(
            File.ReadAllBytes(_workspace.At("models", "last", "transformer", "diffusion_pytorch_model.safetensors")))));
        // Again over an export, and not over anything else.
        Succeed("checkpoint", "export", Run("whole"), "--output", "models/last");
        var refused = _workspace.Leapalign("checkpoint", "export", Run("whole"), "--output", Run("whole"));
        Assert.Contains("LA5001", refused.Error, StringComparison.Ordinal);
        Succeed("checkpoint", "prune", Run("whole"));
        Assert.InRange(Directory.GetDirectories(Path.Combine(Run("whole"), "checkpoints")).Length, 1, 2);
        Assert.Contains("nothing to remove", Succeed("checkpoint", "prune", Run("whole")).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("LA5006", "train", "--resume", "nowhere")]
    [InlineData("LA5006", "train", "--resume", "latest", "--set", "run.folder=elsewhere")]
    [InlineData("LA1009", "train", "--resume", "x", "--force")]
    [InlineData("LA1009", "train", "--allow-change", "run.steps")]
    [InlineData("LA5006", "checkpoint", "verify", "nowhere")]
    public void What_cannot_be_resumed_is_refused(string code, params string[] arguments)
    {
        var outcome = _workspace.Leapalign(arguments);
        Assert.NotEqual(0, outcome.ExitCode);
        Assert.Contains(code, outcome.Error, StringComparison.Ordinal);
    }

    public void Dispose() => _workspace.Dispose();

    private static Workspace Make()
    {
        var workspace = new Workspace();
        workspace.Json["run"] = new JsonObject { ["name"] = "whole", ["steps"] = 6, ["batch"] = 2, ["ema"] = 0.9, ["threads"] = 1 };
        workspace.Json["evaluation"]!["every"] = 3;
        workspace.Json["checkpoint"] = new JsonObject { ["every"] = 2, ["keep"] = 3 };
        workspace.Save();
        return workspace;
    }

    // The run that was never interrupted, once for all tests.
    private static string RunWhole()
    {
        using var workspace = Make();
        var outcome = workspace.Leapalign("train");
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        var kept = Directory.CreateTempSubdirectory("leapalign-whole-").FullName;
        Repository.CopyFolder(workspace.At("runs", "whole"), kept);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(kept, recursive: true);
        return kept;
    }

    private string Run(string name) => _workspace.At("runs", name);

    private Outcome Succeed(params string[] arguments)
    {
        var outcome = _workspace.Leapalign(arguments);
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        return outcome;
    }

    private void Kill(string signal, string at, params string[] arguments) => Kill(signal, at, static () => true, arguments);

    private void Kill(string signal, string at, Func<bool> when, params string[] arguments)
    {
        // A shell that runs the tests in the background makes its children deaf to interrupts; this undoes it.
        using var process = BuiltHost.Start(_workspace.Folder, "env", ["--default-signal=INT", BuiltHost.Program, .. arguments]);
        WaitFor(process, at);
        while (!when()) Thread.Sleep(10);
        using (var kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"])) kill.WaitForExit();
        BuiltHost.Finish(process);
    }

    private static void WaitFor(Process process, string beginning)
    {
        string? line;
        do line = process.StandardOutput.ReadLine();
        while (line is not null && !line.StartsWith(beginning, StringComparison.Ordinal));
        Assert.True(line is not null, $"the run ended before '{beginning}'");
    }
}
