using System.Diagnostics;
using System.Globalization;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Runs.Metrics;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Bench;

/// <summary>
/// What checkpoints cost: one run in stretches of ten steps, of which every other begins with a checkpoint. A stretch holds all that its checkpoint costs, the standstill
/// and the writing beside the steps, and its neighbours without one are as near in time as can be: the speed of a shared machine drifts.
/// </summary>
internal static class CheckpointBench
{
    private const int Stretch = 10;
    private const int Pairs = 10;

    public static Result<Unit> Run(IReadOnlyList<string> overrides) => Bench.With(overrides, static bench =>
    {
        var plan = bench.Plan with
        {
            // The stretch before the first checkpoint warms up; the one after the last is its second neighbour.
            Run = bench.Plan.Run with { Steps = Stretch * ((2 * Pairs) + 2) },
            Evaluation = bench.Plan.Evaluation with { Every = -1 },
            Checkpoint = bench.Plan.Checkpoint with { Every = 2 * Stretch, Keep = 2 },
        };
        var folder = Directory.CreateTempSubdirectory("leapalign-bench-").FullName;
        try
        {
            var watch = Measure(plan, bench.Parts, folder);
            List<double> costs = [];
            for (var at = 2; at < watch.Stretches.Count - 1; at += 2)
            {
                var (before, with, after) = (watch.Stretches[at - 1], watch.Stretches[at], watch.Stretches[at + 1]);
                costs.Add((with / ((before + after) / 2)) - 1);
                Print($"{Stretch} steps: {before,7:F2} s, {with,7:F2} s with a checkpoint, {after,7:F2} s   {costs[^1]:+0.0%;-0.0%}");
            }
            var error = Math.Sqrt(costs.Sum(cost => Math.Pow(cost - costs.Average(), 2)) / (costs.Count - 1) / costs.Count);
            Print($"a checkpoint of {watch.Checkpoints[0].Bytes / 1e6:F1} MB: standstill {Bench.Median(watch.Checkpoints.Select(static one => one.StandstillSeconds)):F3} s, written in {Bench.Median(watch.Checkpoints.Select(static one => one.WriteSeconds)):F2} s");
            Print($"median {Bench.Median(costs):+0.0%;-0.0%}, mean {costs.Average():+0.0%;-0.0%}, standard error {error:0.0%}");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    });

    private static Watch Measure(RunPlan plan, RunParts parts, string folder)
    {
        using var metrics = MetricsFile.Create(Path.Combine(folder, "metrics.jsonl")).Required();
        using var taken = new RunCheckpoints((new CheckpointStore(Path.Combine(folder, "checkpoints")), new CheckpointStore(Path.Combine(folder, "faults"))), plan.Checkpoint, RunIdentity.Of(plan), metrics, TimeProvider.System);
        var watch = new Watch();
        using var kernel = new RunKernel(plan, parts, CPU, [metrics, watch], taken);
        kernel.Run(CancellationToken.None).Required();
        return watch;
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    private sealed class Watch : IRunObserver
    {
        private long _begun = Stopwatch.GetTimestamp();

        public List<double> Stretches { get; } = [];

        public List<CheckpointReport> Checkpoints { get; } = [];

        public Result<Unit> Stepped(StepReport report)
        {
            if ((report.Index + 1) % Stretch != 0) return Unit.Value;
            var now = Stopwatch.GetTimestamp();
            Stretches.Add(Stopwatch.GetElapsedTime(_begun, now).TotalSeconds);
            _begun = now;
            return Unit.Value;
        }

        public Result<Unit> Checkpointed(CheckpointReport report)
        {
            Checkpoints.Add(report);
            return Unit.Value;
        }
    }
}
