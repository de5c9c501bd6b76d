using System.Globalization;
using LeapAlign.Contracts.Models;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Bench.References;

/// <summary>
/// Whether the reference libraries draw from what a LoRA run exports what the run itself drew, and the product from LoRA files of these libraries what they draw: the same noise, captions, steps and guidance,
/// everything in fp32.
/// </summary>
internal static class ReferenceBench
{
    /// <summary>The environment variable that names the program with the reference libraries.</summary>
    public const string Variable = "LEAPALIGN_REFERENCE";

    /// <summary>The largest difference of two pictures that are the same, in units of 1/255. Half a unit of it is the rounding of PNG files.</summary>
    public const double Bar = 2;

    /// <summary>Runs.</summary>
    /// <param name="program">Runs a Python script with the reference libraries; where there is none, nothing is compared.</param>
    /// <param name="words">Names of cases, all of them when there is none; then overrides of every run.</param>
    /// <param name="output">Where the table goes.</param>
    /// <returns>False when a picture differs by more than the bar.</returns>
    public static Result<bool> Run(string? program, IReadOnlyList<string> words, TextWriter output)
    {
        if (string.IsNullOrEmpty(program))
        {
            output.WriteLine($"skipped: {Variable} does not name a program that runs Python scripts with diffusers, PEFT and safetensors");
            return true;
        }
        if (!File.Exists(program)) return new Fault.Configuration(FaultCodes.VariableNotSet, $"there is no '{program}', which {Variable} names");
        List<string> names = [.. words.TakeWhile(static word => !word.Contains('=', StringComparison.Ordinal))];
        string[] overrides = [.. words.Skip(names.Count)];
        ReferenceCase[] cases = [.. Cases()];
        if (names.Find(name => cases.All(run => run.Name != name)) is { } unknown)
            return new Fault.Configuration(FaultCodes.BadOption, $"there is no case '{unknown}', but {string.Join(", ", cases.Select(static run => run.Name))}");
        Row(output, "case", "picture", "moved by", "differs by");
        Row(output, "---", "---", "---", "---");
        List<ReferenceRow> rows = [];
        foreach (var run in cases.Where(run => names.Count == 0 || names.Contains(run.Name)))
        {
            using var scope = NewDisposeScope();
            if (!new ReferenceRun(run, program, overrides).Compare().TryGet(out var compared, out var fault)) return fault;
            foreach (var row in compared) Row(output, row.Case, row.Picture, row.Moved is { } moved ? Number(moved) : "", $"{Number(row.Difference)}{(row.Fault is { } wrong ? $" {wrong}" : "")}");
            rows.AddRange(compared);
        }
        var failed = rows.Count(static row => row.Fault is not null);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{rows.Count - failed} of {rows.Count} within {Bar}/255"));
        return failed == 0;
    }

    /// <summary>How far drawn pictures are from others at the most, in units of 1/255.</summary>
    /// <param name="pictures">[B, height, width, 3] in 0..1.</param>
    /// <param name="others">The same.</param>
    /// <returns>NaN when a value is not a number.</returns>
    /// <exception cref="FaultException">The shapes differ.</exception>
    public static double Distance(Tensor pictures, Tensor others)
    {
        using var scope = NewDisposeScope();
        return pictures.shape.SequenceEqual(others.shape)
            ? (pictures - others).abs().max().item<float>() * byte.MaxValue
            : throw new FaultException(new Fault.Run(FaultCodes.ReplayDiffers, $"pictures of shape [{string.Join(", ", pictures.shape)}] and [{string.Join(", ", others.shape)}] are compared"));
    }

    private static IEnumerable<ReferenceCase> Cases()
    {
        var fixtures = Environment.GetEnvironmentVariable("LEAPALIGN_FIXTURES") is { Length: > 0 } folder ? folder : Path.Combine("tests", "fixtures");
        // Noise levels that diffusers is told, and those that it takes by itself.
        yield return new ReferenceCase("sd3", Path.Combine("models", "tiny-sd3")) { LevelsAreTold = true };
        yield return new ReferenceCase("sd3-guided", Path.Combine("models", "tiny-sd3")) { Guidance = 4, Overrides = ["sampler.settings.schedule=pipeline-default"] };
        yield return new ReferenceCase("flux", Path.Combine(fixtures, "pipeline-flux", "model")) { Guidance = 2.5, CardSaysGuidance = true, Size = new ImageSize(96, 64), Overrides = ["model.id=flux"] };
        // The pipeline computes its encoder in fp32, whatever the file holds.
        yield return new ReferenceCase("z-image", Path.Combine(fixtures, "pipeline-z-image", "model")) { Guidance = 2.5, CardSaysGuidance = true, Size = new ImageSize(64, 32), Overrides = ["model.id=z-image", "model.settings.textDtype=float32"] };
    }

    private static string Number(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);

    private static void Row(TextWriter output, params IEnumerable<string> cells) => output.WriteLine($"| {string.Join(" | ", cells)} |");
}

/// <summary>Two drawings of the same pictures, in units of 1/255.</summary>
/// <param name="Case">Which run.</param>
/// <param name="Picture">What was drawn.</param>
/// <param name="Moved">How far the adapter moves them at the most; null where there is none.</param>
/// <param name="Difference">How far they are from each other.</param>
internal sealed record ReferenceRow(string Case, string Picture, double? Moved, double Difference)
{
    /// <summary>What is wrong with them, in words; null when nothing is. What is no number is wrong, too.</summary>
    public string? Fault =>
        Moved is { } moved && !(moved > ReferenceBench.Bar) ? "NOT MOVED"
        : Difference <= ReferenceBench.Bar ? null
        : "TOO FAR";
}
