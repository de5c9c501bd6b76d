using System.Diagnostics;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Planning;
using LeapAlign.Host.Telemetry.Measures;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Bench.FullSize;

/// <summary>
/// Steps of a run on a model of published size, in this process: processor seconds and memory. Anonymous memory is what the process cannot give back; pages of
/// files, mapped weights among them, the system takes when it needs them.
/// </summary>
internal static class FullStepBench
{
    private const double Gibibyte = 1L << 30;

    /// <summary>Measures.</summary>
    /// <param name="folder">What <see cref="FullModel"/> made, or any folder with a plugins.json.</param>
    /// <param name="overrides">Of its plugins.json.</param>
    public static Result<Unit> Run(string folder, IReadOnlyList<string> overrides)
    {
        Environment.CurrentDirectory = folder;
        var (began, before) = (Stopwatch.StartNew(), Processor());
        return Bench.With([.. overrides, "evaluation.every=-1"], bench =>
        {
            Console.WriteLine($"{"open",-26} {began.Elapsed.TotalSeconds,9:F2} s wall {Processor() - before,9:F2} cpu s   anonymous {SystemMemory.Anonymous / Gibibyte,6:F2} GiB");
            // The system keeps no peak of it.
            using var peak = new PeakWatch(static () => SystemMemory.Anonymous, TimeSpan.FromMilliseconds(20));
            var stages = new StagePeaks(peak);
            var observer = new Steps(stages);
            using var native = new PeakWatch(static () => ProcessMemory.Native, TimeSpan.FromMilliseconds(20));
            using (var kernel = new RunKernel(bench.Plan, bench.Parts, CPU, [observer]))
            {
                kernel.Stages.Add(stages);
                kernel.Run(CancellationToken.None).Required();
            }
            Console.WriteLine($"{"of its anonymous memory",-26} {"",22} peak in use by libtorch {native.Highest / Gibibyte,6:F2} GiB, managed {GC.GetGCMemoryInfo().TotalCommittedBytes / Gibibyte:F2} GiB at the end");
            Console.WriteLine($"{"the whole run",-26} {"",22} peak anonymous {peak.Highest / Gibibyte,6:F2} GiB, peak resident {ProcessStatus.Kilobytes("VmHWM") / 1024.0 / 1024:F2} GiB, read from disk {ProcessStatus.Transfer("read_bytes") / 1e9:F2} GB");
        });
    }

    private static double Processor() => Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds;

    private sealed class Steps(StagePeaks peaks) : IRunObserver
    {
        private double _processor = Processor();

        public Result<Unit> Stepped(StepReport report)
        {
            var now = Processor();
            Console.WriteLine($"step {report.Index,-21} {report.Seconds,9:F2} s wall {now - _processor,9:F2} cpu s   anonymous {SystemMemory.Anonymous / Gibibyte,6:F2} GiB   F {report.Evaluations:0.#}, G {report.GradientEvaluations:0.#}, gradient {report.GradientNorm:g4}");
            var all = peaks.Take();
            foreach (var (stage, seconds) in report.Stages.OrderByDescending(static pair => pair.Value).Where(static pair => pair.Value >= 0.05))
                Console.WriteLine($"  {stage,-24} {seconds,9:F2} s   {"",23} peak anonymous {all.GetValueOrDefault(stage) / Gibibyte,6:F2} GiB");
            _processor = Processor();
            return Unit.Value;
        }
    }

    /// <summary>The most memory of each stage, while it was the innermost one.</summary>
    private sealed class StagePeaks(PeakWatch watch) : IStageListener
    {
        private readonly Stack<string> _open = new();
        private readonly Dictionary<string, long> _highest = new(StringComparer.Ordinal);

        public void Entered(in Stage stage)
        {
            Note();
            _open.Push(stage.Name);
        }

        public void Left(in Stage? outer)
        {
            Note();
            _open.Pop();
        }

        public Dictionary<string, long> Take()
        {
            var all = _highest.ToDictionary();
            _highest.Clear();
            return all;
        }

        private void Note()
        {
            var now = watch.Take();
            if (_open.TryPeek(out var stage)) _highest[stage] = Math.Max(now, _highest.GetValueOrDefault(stage));
        }
    }
}
