using System.Diagnostics;
using System.Globalization;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Pipeline;

namespace LeapAlign.Bench;

/// <summary>
/// Kills runs of the built program at random instants (SIGKILL), resumes each to its end, and compares exported weights and every metric with a run that was never
/// interrupted.
/// </summary>
internal static class KillBench
{
    private static readonly string[] s_small = ["run.steps=60", "run.batch=4", "evaluation.every=-1", "checkpoint.every=5"];
    private static readonly string s_runs = Path.GetFullPath(Path.Combine("runs", "kill"));

    /// <summary>Runs.</summary>
    /// <param name="count">Kills of each configuration.</param>
    /// <param name="words">Configuration files, then overrides for all of them.</param>
    public static Result<Unit> Run(int count, IReadOnlyList<string> words)
    {
        var files = words.TakeWhile(static word => word.EndsWith(".json", StringComparison.Ordinal)).ToList();
        string[] overrides = [.. s_small, .. words.Skip(files.Count)];
        var different = 0;
        foreach (var file in files)
        {
            var name = Path.GetFileNameWithoutExtension(file);
            var started = Stopwatch.GetTimestamp();
            if (!Finish(Start(file, $"{name}-whole", overrides), $"{name}-whole").TryGet(out var whole, out var fault)) return fault;
            var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            var random = RandomKey.OfRun(0).For(name).Open();
            var same = 0;
            for (var kill = 0; kill < count; kill++)
            {
                var at = random.NextDouble() * seconds;
                if (!Interrupted(file, name, overrides, at).TryGet(out var found, out fault)) return fault;
                var equal = found.Digest.DifferenceFrom(whole) is null;
                if (equal) same++;
                else different++;
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-14} killed after {at,6:F1} s, {found.From}: {(equal ? "same" : "DIFFERENT")}"));
            }
            Console.WriteLine($"{name,-14} {same} of {count} the same");
        }
        return different == 0 ? Unit.Value : new Fault.Run(FaultCodes.ReplayDiffers, $"{different} resumed runs differ from the uninterrupted one");
    }

    private static Result<(RunDigest Digest, string From)> Interrupted(string file, string name, string[] overrides, double after)
    {
        var folder = Path.Combine(s_runs, $"{name}-killed");
        // A run that is killed before it makes its folder must not find the one of the run before.
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        using (var process = Start(file, $"{name}-killed", overrides))
        {
            // A program that writes into a full pipe waits, so that its output is read all the time.
            process.OutputDataReceived += static (_, _) => { };
            process.BeginOutputReadLine();
            if (!process.WaitForExit(TimeSpan.FromSeconds(after))) process.Kill();
            process.WaitForExit();
        }
        var checkpoints = Path.Combine(folder, "checkpoints");
        var any = Directory.Exists(checkpoints) && Directory.EnumerateDirectories(checkpoints, "step-*").Any();
        // Killed before its first checkpoint: there is nothing to lose yet.
        var next = any ? BuiltHost.Start("train", "--resume", folder) : Start(file, $"{name}-killed", overrides);
        var from = any ? $"resumed from {Path.GetFileName(Directory.EnumerateDirectories(checkpoints, "step-*").Order(StringComparer.Ordinal).Last())}" : "begun anew";
        return Finish(next, $"{name}-killed").Map(digest => (digest, from));
    }

    private static Process Start(string file, string name, string[] overrides) => BuiltHost.Start(
        ["train", "-c", file, "--force", "--name", name, "--set", $"run.folder={s_runs}", .. overrides.SelectMany(static word => new[] { "--set", word })]);

    private static Result<RunDigest> Finish(Process process, string name)
    {
        using (process)
        {
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0
                ? RunDigest.Of(Path.Combine(s_runs, name))
                : Result.Fail<RunDigest>(new Fault.Run(FaultCodes.StepThrew, $"'{name}' ended with exit code {process.ExitCode}"));
        }
    }
}
