using System.Diagnostics;
using LeapAlign.Pipeline;

namespace LeapAlign.Bench;

/// <summary>Whether two builds compute the same to the last bit: each configuration is trained by both programs, and metrics and exported weights are compared.</summary>
internal static class BitsBench
{
    private const string Default = "plugins.json";
    private static readonly string s_runs = Path.GetFullPath(Path.Combine("runs", "bits"));

    /// <summary>Runs.</summary>
    /// <param name="other">The other <c>leapalign</c> program.</param>
    /// <param name="words">Configuration files, then overrides for all of them; plugins.json with 30 steps and every example with 6 when no file is named.</param>
    /// <returns><see cref="FaultCodes.ReplayDiffers"/> when a run differs.</returns>
    public static Result<Unit> Run(string other, IReadOnlyList<string> words)
    {
        var named = words.TakeWhile(static word => word.EndsWith(".json", StringComparison.Ordinal)).ToList();
        string[] overrides = [.. words.Skip(named.Count)];
        IReadOnlyList<string> files = named.Count > 0 ? named : [Default, .. Directory.EnumerateFiles("examples", "*.json").Order(StringComparer.Ordinal)];
        var different = 0;
        foreach (var file in files)
        {
            string[] steps = Path.GetFileName(file) == Default ? ["run.steps=30"] : ["run.steps=6", "evaluation.every=-1"];
            var name = Path.GetFileNameWithoutExtension(file);
            if (!Finished(BuiltHost.Program, file, $"{name}-this", [.. steps, .. overrides]).TryGet(out var mine, out var fault)) return fault;
            if (!Finished(other, file, $"{name}-other", [.. steps, .. overrides]).TryGet(out var theirs, out fault)) return fault;
            var difference = mine.DifferenceFrom(theirs);
            if (difference is not null) different++;
            Console.WriteLine($"{name,-18} {mine.Metrics.Count,3} lines, {mine.Weights.Count} files of weights: {difference ?? "equal"}");
        }
        return different == 0 ? Unit.Value : new Fault.Run(FaultCodes.ReplayDiffers, $"{different} of {files.Count} runs differ");
    }

    private static string Kept => Path.Combine(s_runs, "pairs");

    private static Result<RunDigest> Finished(string program, string file, string name, string[] overrides)
    {
        // What one build kept there for other runs the other one has to compute, too.
        if (Directory.Exists(Kept)) Directory.Delete(Kept, recursive: true);
        string[] arguments = ["train", "-c", file, "--force", "--name", name, "--set", $"run.folder={s_runs}", .. overrides.SelectMany(static word => new[] { "--set", word })];
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? RunDigest.Of(Path.Combine(s_runs, name))
            : Result.Fail<RunDigest>(new Fault.Run(FaultCodes.StepThrew, $"'{program}' ended '{name}' with exit code {process.ExitCode}"));
    }
}
