using System.Diagnostics;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Runs.Metrics;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Bench;

/// <summary>What checkpoints cost: stretches of steps with one every ten and without, in turns in one process.</summary>
internal static class CheckpointBench
{
    private const int Steps = 20;
    private const int Turns = 5;

    public static Result<Unit> Run(IReadOnlyList<string> overrides) => Bench.With(overrides, static bench =>
    {
        var plan = bench.Plan with
        {
            Run = bench.Plan.Run with { Steps = Steps },
            Evaluation = bench.Plan.Evaluation with { Every = -1 },
            Checkpoint = bench.Plan.Checkpoint with { Every = 10, Keep = 2 },
        };
        Seconds(plan, bench.Parts, checkpoints: false);
        List<double> ratios = [];
        for (var turn = 0; turn < Turns; turn++)
        {
            // Which comes first changes from turn to turn: the speed of a shared machine drifts.
            var first = Seconds(plan, bench.Parts, turn % 2 == 0);
            var second = Seconds(plan, bench.Parts, turn % 2 != 0);
            var (with, without) = turn % 2 == 0 ? (first, second) : (second, first);
            ratios.Add(with / without);
            Console.WriteLine($"{Steps} steps: {with,7:F2} s with a checkpoint every 10, {without,7:F2} s without   {(with / without) - 1:+0.0%;-0.0%}");
        }
        Console.WriteLine($"median {Bench.Median(ratios) - 1:+0.0%;-0.0%}");
    });

    private static double Seconds(RunPlan plan, RunParts parts, bool checkpoints)
    {
        var folder = Directory.CreateTempSubdirectory("leapalign-bench-").FullName;
        try
        {
            using var metrics = MetricsFile.Create(Path.Combine(folder, "metrics.jsonl")).Match(static made => made, static fault => throw new FaultException(fault));
            using var taken = checkpoints
                ? new RunCheckpoints((new CheckpointStore(Path.Combine(folder, "checkpoints")), new CheckpointStore(Path.Combine(folder, "faults"))), plan.Checkpoint, RunIdentity.Of(plan), metrics, TimeProvider.System)
                : null;
            using var kernel = new RunKernel(plan, parts, CPU, [metrics], taken);
            var started = Stopwatch.GetTimestamp();
            kernel.Run(CancellationToken.None).Match(static _ => 0, static fault => throw new FaultException(fault));
            return Stopwatch.GetElapsedTime(started).TotalSeconds;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
