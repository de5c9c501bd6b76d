using System.Diagnostics;
using System.Globalization;
using LeapAlign.Host.Kernel;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Bench;

/// <summary>
/// Peak resident memory of steps at 10 and at 40 sampling steps, each in a process of its own (Linux: VmHWM), because an allocator keeps what it has
/// once been given.
/// </summary>
internal static class MemoryBench
{
    private const int Steps = 4;

    public static Result<Unit> Run(IReadOnlyList<string> overrides)
    {
        var few = Spawn(10, overrides);
        var many = Spawn(40, overrides);
        Console.WriteLine($"peak memory, N = 10 {few,12:N0} kB");
        Console.WriteLine($"peak memory, N = 40 {many,12:N0} kB   {((double)many / few) - 1:+0.00%;-0.00%}");
        return Unit.Value;
    }

    /// <summary>Prints the peak of this process after some steps.</summary>
    public static Result<Unit> Measure(int samplingSteps, IReadOnlyList<string> overrides) =>
        Bench.With([.. overrides, $"sampler.settings.steps={samplingSteps}"], static bench =>
        {
            var plan = bench.Plan with { Run = bench.Plan.Run with { Steps = Steps }, Evaluation = bench.Plan.Evaluation with { Every = -1 } };
            using (var kernel = new RunKernel(plan, bench.Parts, CPU, [])) kernel.Run(CancellationToken.None).Required();
            Console.WriteLine(ProcessStatus.Kilobytes("VmHWM"));
        });

    private static long Spawn(int samplingSteps, IReadOnlyList<string> overrides)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        foreach (var argument in (string[])["memory-of", samplingSteps.ToString(CultureInfo.InvariantCulture), .. overrides]) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return long.Parse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1], CultureInfo.InvariantCulture);
    }
}
