using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;

namespace LeapAlign.Integration.Tests;

/// <summary>Two sites with pictures of their own fit a reward under the launchers of Open MPI and MPICH.</summary>
public sealed class SiteRunTests
{
    private static readonly string s_layers = Path.Combine(Repository.Models, "tiny-sd3-head", "clip.safetensors");

    [Fact]
    public void Two_sites_fit_the_head_of_one_with_all_pictures()
    {
        using var workspace = Sites();
        Assert.Equal(0, workspace.Leapalign([.. Fit("rows.jsonl")]).ExitCode);
        var (expected, samples) = LastLayer(workspace);
        foreach (var launcher in Launchers())
        {
            var outcome = Launch(workspace, launcher, ["-n", "2", BuiltHost.Program, .. Fit("site{rank}.jsonl")]);
            Assert.True(outcome.ExitCode == 0, outcome.Error);
            var (layer, all) = LastLayer(workspace);
            Assert.Equal(samples, all);
            Assert.All(expected.Zip(layer), static pair => Assert.Equal(pair.First, pair.Second, 1e-6f));
            Assert.Contains("exchanges of 64 numbers", Assert.Single(outcome.Error.Split('\n'), static line => line.Contains("sites apart by", StringComparison.Ordinal)), StringComparison.Ordinal);
            Assert.Empty(Directory.GetFiles(workspace.Folder, "*.site*"));
        }
    }

    [Fact]
    public void Sites_that_were_killed_go_on_to_the_same_bytes()
    {
        using var workspace = Sites();
        // A small penalty takes long enough to be killed on the way.
        string[] fit = ["-n", "2", BuiltHost.Program, .. Fit("site{rank}.jsonl"), "--penalty", "1e-4"];
        var launcher = Launchers()[0];
        var whole = Launch(workspace, launcher, fit);
        Assert.True(whole.ExitCode == 0, whole.Error);
        var expected = File.ReadAllBytes(workspace.At("head.safetensors"));
        using (var process = BuiltHost.Start(workspace.Folder, launcher, [.. Own(launcher), .. fit]))
        {
            var began = Stopwatch.StartNew();
            while (Directory.GetFiles(workspace.Folder, "*.site?.?").Length < 2) Assert.True(began.Elapsed < TimeSpan.FromMinutes(2) && !process.HasExited, "no state was kept");
            process.Kill(entireProcessTree: true);
            BuiltHost.Finish(process);
        }
        File.Delete(workspace.At("head.safetensors"));
        var resumed = Launch(workspace, launcher, [.. fit, "--resume"]);
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.DoesNotContain(resumed.Error.Split('\n'), static line => line.StartsWith("meeting 1:", StringComparison.Ordinal));
        Assert.Equal(expected, File.ReadAllBytes(workspace.At("head.safetensors")));
    }

    [Fact]
    public void Sites_that_are_asked_other_things_are_refused_by_the_name_of_the_option()
    {
        using var workspace = Sites();
        var outcome = Launch(workspace, Launchers()[0], ["-n", "1", BuiltHost.Program, .. Fit("site0.jsonl"), ":", "-n", "1", BuiltHost.Program, .. Fit("site1.jsonl"), "--seed", "4"]);
        Assert.Equal(4, outcome.ExitCode);
        Assert.Contains("LA3007: rank 1: --seed is 4, and 0 in rank 0", Assert.Single(outcome.Error.Split('\n'), static line => line.Contains("LA3007", StringComparison.Ordinal)), StringComparison.Ordinal);
        outcome = Launch(workspace, Launchers()[0], ["-n", "2", BuiltHost.Program, .. Fit("site{rank}.jsonl", over: "0-2")]);
        Assert.Equal(2, outcome.ExitCode);
        Assert.Single(outcome.Error.Split('\n'), static line => line.Contains("error LA1019: rank 0: --over: the edge 0-2 names process 2, and there are 2", StringComparison.Ordinal));
        outcome = Launch(workspace, Launchers()[0], ["-n", "3", BuiltHost.Program, .. Fit("site{rank}.jsonl")]);
        Assert.Equal(5, outcome.ExitCode);
        Assert.Single(outcome.Error.Split('\n'), static line => line.Contains("error LA4010: rank 2:", StringComparison.Ordinal) && line.Contains("site2.jsonl", StringComparison.Ordinal));
        Assert.False(File.Exists(workspace.At("head.safetensors")));
    }

    private static string[] Fit(string rows, string over = "ring") => ["fit", "latent", "--scores", rows, "--over", over, "--layers", s_layers, "--sigmas", "0", "--replace"];

    // The captions of the log of scores, every other one at each site.
    private static Workspace Sites()
    {
        var workspace = new Workspace();
        workspace.Json["rewards"] = new JsonArray(new JsonObject { ["id"] = "latent-head", ["name"] = "latent", ["settings"] = new JsonObject { ["head"] = "head.safetensors" } });
        workspace.Json["collective"] = new JsonObject { ["id"] = "mpi" };
        workspace.Save();
        var folder = Path.Combine(Repository.Models, "scored");
        var rows = File.ReadLines(Path.Combine(folder, "shapes-scored.jsonl")).Select(static line => JsonNode.Parse(line)!).Select(row => (Caption: (string)row["prompt"]!, Line: new JsonObject
        {
            ["file"] = Path.Combine(folder, (string)row["file"]!),
            ["caption"] = (string)row["prompt"]!,
            ["score"] = (double)row["score"]!,
        }.ToJsonString())).ToArray();
        var captions = rows.Select(static row => row.Caption).Distinct().ToList();
        workspace.Write("rows.jsonl", string.Join('\n', rows.Select(static row => row.Line)));
        for (var site = 0; site < 2; site++) workspace.Write($"site{site}.jsonl", string.Join('\n', rows.Where(row => captions.IndexOf(row.Caption) % 2 == site).Select(static row => row.Line)));
        return workspace;
    }

    private static (float[] Layer, int Samples) LastLayer(Workspace workspace)
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        using var file = Recording.Require(SafetensorsFile.Open(workspace.At("head.safetensors")));
        float[] Numbers(string name) => Recording.Require(file.Read(name)).data<float>().ToArray();
        return ([.. Numbers("score.weight"), .. Numbers("score.bias")], int.Parse(file.Metadata["fit.samples"], CultureInfo.InvariantCulture));
    }

    private static string[] Launchers()
    {
        string[] there = [.. new[] { "/usr/bin/mpirun.openmpi", "/usr/bin/mpiexec.hydra" }.Where(File.Exists)];
        Assert.SkipWhen(there.Length == 0 && Environment.GetEnvironmentVariable("CI") is null, "neither Open MPI nor MPICH is installed here");
        Assert.NotEmpty(there);
        return there;
    }

    private static string[] Own(string launcher) => launcher.Contains("openmpi", StringComparison.Ordinal) ? ["--allow-run-as-root", "--oversubscribe"] : [];

    private static Outcome Launch(Workspace workspace, string launcher, string[] arguments)
    {
        using var process = BuiltHost.Start(workspace.Folder, launcher, [.. Own(launcher), .. arguments]);
        return BuiltHost.Finish(process);
    }
}
