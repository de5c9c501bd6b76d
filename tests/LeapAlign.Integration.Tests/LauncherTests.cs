using System.Security.Cryptography;
using System.Text.Json.Nodes;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;

namespace LeapAlign.Integration.Tests;

/// <summary>The built program under the launchers of Open MPI and MPICH, two processes on this machine.</summary>
public sealed class LauncherTests
{
    [Fact]
    public void Two_processes_train_what_one_does_under_both_libraries()
    {
        using var workspace = Sharing();
        Assert.Equal(0, workspace.Leapalign("train", "--name", "alone").ExitCode);
        foreach (var launcher in Launchers())
        {
            var name = Path.GetFileName(launcher).Replace('.', '-');
            // Each keeps half of the optimizer's state and of the average under one of them.
            var kept = name == "mpirun-openmpi" ? "sharded" : "whole";
            var outcome = Launch(workspace, launcher, "train", "--name", name, "--set", $"run.optimizerState={kept}", "--set", $"run.averageState={kept}", "--set", $"run.gradientState={kept}");
            Assert.True(outcome.ExitCode == 0, outcome.Error);
            Assert.Equal(Metrics(workspace, "alone"), Metrics(workspace, name));
            Assert.Equal(Weights(workspace, "alone"), Weights(workspace, name));
            Assert.Equal(OptimizerState(workspace, "alone"), OptimizerState(workspace, name));
            Assert.Contains("2, joined by", (string)JsonNode.Parse(File.ReadAllText(workspace.At("runs", name, "run.json")))!["environment"]!["processes"]!, StringComparison.Ordinal);
            Assert.Equal("written by all processes, each a share", (string)JsonNode.Parse(File.ReadAllText(workspace.At("runs", name, "run.json")))!["environment"]!["checkpoints"]!);
            // One voice: nothing for a terminal, and each line once.
            Assert.DoesNotContain('\u001b', outcome.Output);
            Assert.Single(outcome.Output.Split('\n'), static line => line.StartsWith("step 2/2", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_process_that_scores_for_others_serves_any_number_of_them_under_both_libraries()
    {
        using var workspace = Sharing();
        foreach (var reward in workspace.Json["rewards"]!.AsArray()) reward!["placement"] = "scorer";
        workspace.Json["run"]!["scorers"] = 1;
        workspace.Save();
        string? one = null;
        foreach (var launcher in Launchers())
        {
            foreach (var trainers in new[] { 1, 2 })
            {
                var name = $"{Path.GetFileName(launcher).Replace('.', '-')}-{trainers}";
                var outcome = Launch(workspace, launcher, trainers + 1, "train", "--name", name);
                Assert.True(outcome.ExitCode == 0, outcome.Error);
                one ??= name;
                Assert.Equal(Metrics(workspace, one), Metrics(workspace, name));
                Assert.Equal(Weights(workspace, one), Weights(workspace, name));
                Assert.Equal($"1, rank {trainers}", (string)JsonNode.Parse(File.ReadAllText(workspace.At("runs", name, "run.json")))!["environment"]!["processes that score"]!);
            }
        }
    }

    [Fact]
    public void A_fault_of_a_process_that_scores_ends_all_with_a_checkpoint()
    {
        using var workspace = Sharing();
        workspace.AddTestPlugin("unruly");
        workspace.Json["run"]!["scorers"] = 1;
        workspace.Json["rewards"]!.AsArray().Add(new JsonObject { ["id"] = "moody", ["placement"] = "scorer", ["settings"] = new JsonObject { ["at"] = 4, ["mood"] = "throw" } });
        workspace.Json["evaluation"]!["every"] = -1;
        workspace.Save();
        var outcome = Launch(workspace, Launchers()[0], 3, "train", "--name", "broken");
        Assert.Equal(6, outcome.ExitCode);
        Assert.Contains("rank 2: reward 'moody' threw InvalidOperationException while scoring: not today", Assert.Single(outcome.Error.Split('\n'), static line => line.Contains("LA5004", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.True(Directory.Exists(workspace.At("runs", "broken", "checkpoints", "step-000001")));
    }

    [Fact]
    public void A_fault_of_one_process_is_told_once_and_leaves_a_checkpoint()
    {
        using var workspace = Sharing();
        workspace.AddTestPlugin("unruly");
        workspace.Json["rewards"]!.AsArray().Add(new JsonObject { ["id"] = "moody", ["settings"] = new JsonObject { ["at"] = 2, ["mood"] = "throw", ["rank"] = 1 } });
        workspace.Json["evaluation"]!["every"] = -1;
        workspace.Save();
        var outcome = Launch(workspace, Launchers()[0], "train", "--name", "broken");
        Assert.Equal(6, outcome.ExitCode);
        Assert.Contains("error LA5004: rank 1: reward 'moody' threw InvalidOperationException while scoring: not today", Assert.Single(outcome.Error.Split('\n'), static line => line.Contains("LA5004", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.True(Directory.Exists(workspace.At("runs", "broken", "checkpoints", "step-000001")));
        Assert.Contains("rank 1", (string)JsonNode.Parse(File.ReadAllText(workspace.At("runs", "broken", "run.json")))!["fault"]!, StringComparison.Ordinal);
    }

    [Fact]
    public void Processes_that_are_not_joined_are_refused_before_anything_is_written()
    {
        using var workspace = Sharing();
        workspace.Json.Remove("collective");
        workspace.Save();
        var outcome = Launch(workspace, Launchers()[0], "train", "--name", "apart");
        Assert.Equal(4, outcome.ExitCode);
        Assert.Single(outcome.Error.Split('\n'), static line => line.Contains("LA3005", StringComparison.Ordinal));
        Assert.False(Directory.Exists(workspace.At("runs")));
    }

    private static Workspace Sharing()
    {
        var workspace = new Workspace();
        workspace.Json["run"] = new JsonObject { ["name"] = "small", ["steps"] = 2, ["batch"] = 2, ["accumulation"] = 2, ["shards"] = 2, ["threads"] = 1, ["plan"] = "never" };
        workspace.Json["collective"] = new JsonObject { ["id"] = "mpi" };
        workspace.Save();
        return workspace;
    }

    private static string[] Launchers()
    {
        string[] there = [.. new[] { "/usr/bin/mpirun.openmpi", "/usr/bin/mpiexec.hydra" }.Where(File.Exists)];
        Assert.SkipWhen(there.Length == 0 && Environment.GetEnvironmentVariable("CI") is null, "neither Open MPI nor MPICH is installed here");
        Assert.NotEmpty(there);
        return there;
    }

    private static Outcome Launch(Workspace workspace, string launcher, params string[] arguments) => Launch(workspace, launcher, 2, arguments);

    private static Outcome Launch(Workspace workspace, string launcher, int processes, params string[] arguments)
    {
        string[] own = launcher.Contains("openmpi", StringComparison.Ordinal) ? ["--allow-run-as-root", "--oversubscribe"] : [];
        using var process = BuiltHost.Start(workspace.Folder, launcher, [.. own, "-n", $"{processes}", BuiltHost.Program, .. arguments]);
        return BuiltHost.Finish(process);
    }

    private static List<string> Metrics(Workspace workspace, string run)
    {
        List<string> lines = [];
        foreach (var line in workspace.Lines(run))
        {
            line.AsObject().Remove("timings");
            lines.Add(line.ToJsonString());
        }
        return lines;
    }

    // By name: a state that several processes wrote has another order, and several files.
    private static List<string> OptimizerState(Workspace workspace, string run)
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        using var file = Recording.Require(SafetensorsFolder.Open(Directory.GetDirectories(workspace.At("runs", run, "checkpoints")).Max(StringComparer.Ordinal)!, "optimizer"));
        return [.. file.Entries.Keys.Order(StringComparer.Ordinal).Select(name => $"{name} {Convert.ToHexString(SHA256.HashData(Recording.Require(file.Read(name)).bytes))}")];
    }

    private static List<string> Weights(Workspace workspace, string run) =>
        [.. Directory.EnumerateFiles(workspace.At("runs", run, "export"), "*.safetensors", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(static file => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file))))];
}
