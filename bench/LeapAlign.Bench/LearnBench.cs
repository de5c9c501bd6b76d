using System.Globalization;
using System.Text.Json.Nodes;
using LeapAlign.Pipeline;

namespace LeapAlign.Bench;

/// <summary>
/// What methods learn at equal steps: trains each configuration with each seed by the built program, one after another, and prints a Markdown table of the evaluations before and
/// after, network evaluations and seconds.
/// </summary>
internal static class LearnBench
{
    /// <summary>Runs.</summary>
    /// <param name="seeds">Seeds with commas between them.</param>
    /// <param name="words">Configuration files, then overrides for all of them.</param>
    public static Result<Unit> Run(string seeds, IReadOnlyList<string> words)
    {
        var files = words.TakeWhile(static word => word.EndsWith(".json", StringComparison.Ordinal)).ToList();
        var overrides = words.Skip(files.Count).ToList();
        var header = true;
        foreach (var file in files)
        {
            foreach (var seed in seeds.Split(','))
            {
                if (!Train(file, seed, overrides).TryGet(out var run, out var fault)) return fault;
                if (header) Row([.. run.Keys]);
                if (header) Row([.. run.Keys.Select(static _ => "---")]);
                Row([.. run.Values]);
                header = false;
            }
        }
        return Unit.Value;
    }

    private static Result<Dictionary<string, string>> Train(string file, string seed, IReadOnlyList<string> overrides)
    {
        var name = $"{Path.GetFileNameWithoutExtension(file)}-seed-{seed}";
        var runs = Path.GetFullPath(Path.Combine("runs", "learn"));
        string[] arguments =
        [
            "train", "-c", file, "--force", "--name", name, "--set", $"run.seed={seed}", "--set", $"run.folder={runs}", .. overrides.SelectMany(static word => new[] { "--set", word }),
        ];
        using var process = BuiltHost.Start(arguments);
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? Summary(Path.GetFileNameWithoutExtension(file), seed, Path.Combine(runs, name, "metrics.jsonl"))
            : Result.Fail<Dictionary<string, string>>(new Fault.Run(FaultCodes.StepThrew, $"'{file}' with seed {seed} ended with exit code {process.ExitCode}"));
    }

    private static Dictionary<string, string> Summary(string name, string seed, string metrics)
    {
        var lines = File.ReadLines(metrics).Select(static line => JsonNode.Parse(line)!).ToList();
        var steps = lines.Where(static line => (string)line["kind"]! == "step").ToList();
        var evaluations = lines.Where(static line => (string)line["kind"]! == "evaluation").ToList();
        var gradient = steps.Average(static step => (double)step["gradientEvaluations"]!);
        var row = new Dictionary<string, string> { ["method"] = name, ["seed"] = seed, ["steps"] = Number(steps.Count, "0") };
        foreach (var (reward, value) in steps[0]["rewards"]!.AsObject())
        {
            var window = Math.Max(1, steps.Count / 6);
            double Mean(IEnumerable<JsonNode> some) => some.Average(step => (double)step["rewards"]![reward]!);
            row[$"{reward} in training"] = $"{Number(Mean(steps.Take(window)), "0.0000")} to {Number(Mean(steps.TakeLast(window)), "0.0000")}";
        }
        foreach (var (reward, value) in evaluations[0]["rewards"]!.AsObject())
        {
            var (before, after) = ((double)value!, (double)evaluations[^1]["rewards"]![reward]!);
            row[reward] = $"{Number(before, "0.0000")} to {Number(after, "0.0000")} ({Number(after - before, "+0.0000;-0.0000;0.0000")})";
        }
        row["F / image"] = Number(steps.Average(static step => (double)step["evaluations"]!) - gradient, "0.##");
        row["G / image"] = Number(gradient, "0.##");
        row["s / step"] = Number(Bench.Median(steps.Select(static step => (double)step["timings"]!["seconds"]!)), "0.00");
        return row;
    }

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static void Row(IReadOnlyList<string> cells) => Console.WriteLine($"| {string.Join(" | ", cells)} |");
}
