using System.Diagnostics;
using System.Globalization;
using LeapAlign.Host.Kernel;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Machine;

/// <summary>Steps in a process of their own, since libraries read their variables once.</summary>
internal static class StepsOf
{
    /// <summary>Prints the median seconds of some steps, after one that does not count.</summary>
    public static Result<Unit> Measure(int steps, IReadOnlyList<string> overrides) => Bench.With(overrides, bench =>
    {
        var plan = bench.Plan with { Run = bench.Plan.Run with { Steps = steps + 1 }, Evaluation = bench.Plan.Evaluation with { Every = -1 } };
        var seconds = new Collector();
        using (var kernel = new RunKernel(plan, bench.Parts, CPU, [seconds])) kernel.Run(CancellationToken.None).Required();
        Console.WriteLine(Bench.Median(seconds.Steps.Skip(1)).ToString("R", CultureInfo.InvariantCulture));
    });

    /// <summary>Runs this program and takes the last line that it prints for a number.</summary>
    /// <param name="variables">Variables of its environment.</param>
    /// <param name="processor">The processor that it is kept on; null for all.</param>
    /// <param name="arguments">Its arguments.</param>
    public static double Spawn(IReadOnlyDictionary<string, string> variables, int? processor, params IEnumerable<string> arguments)
    {
        string[] before = processor is { } number ? ["taskset", "-c", $"{number}"] : [];
        string[] words = [.. before, Environment.ProcessPath!, .. arguments];
        var start = new ProcessStartInfo(words[0], words[1..]) { RedirectStandardOutput = true };
        foreach (var name in (string[])["OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "ONEDNN_MAX_CPU_ISA"]) start.Environment.Remove(name);
        foreach (var (name, value) in variables) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return double.TryParse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault(), CultureInfo.InvariantCulture, out var printed)
            ? printed
            : throw new FaultException(new Fault.Run(FaultCodes.StepThrew, $"'{string.Join(' ', arguments)}' ended with exit code {process.ExitCode} and no number"));
    }

    private sealed class Collector : IRunObserver
    {
        public List<double> Steps { get; } = [];

        public Result<Unit> Stepped(StepReport report)
        {
            Steps.Add(report.Seconds);
            return Unit.Value;
        }
    }
}
