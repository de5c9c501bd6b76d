using System.Diagnostics;
using LeapAlign.Host.Kernel;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Bench.FullSize;

/// <summary>
/// Steps of a run on a model of published size, in this process: processor seconds and memory. Anonymous memory is what the process cannot give back; pages of
/// files, mapped weights among them, the system takes when it needs them.
/// </summary>
internal static class FullStepBench
{
    /// <summary>Measures.</summary>
    /// <param name="folder">What <see cref="FullModel"/> made, or any folder with a plugins.json.</param>
    /// <param name="overrides">Of its plugins.json.</param>
    public static Result<Unit> Run(string folder, IReadOnlyList<string> overrides)
    {
        Environment.CurrentDirectory = folder;
        var (began, before) = (Stopwatch.StartNew(), Processor());
        return Bench.With([.. overrides, "evaluation.every=-1"], bench =>
        {
            Console.WriteLine($"{"open",-26} {began.Elapsed.TotalSeconds,9:F2} s wall {Processor() - before,9:F2} cpu s   anonymous {Anonymous() / 1024.0 / 1024,6:F2} GiB");
            var observer = new Steps();
            using var sampler = new Sampler();
            using (var kernel = new RunKernel(bench.Plan, bench.Parts, CPU, [observer])) kernel.Run(CancellationToken.None).Required();
            Console.WriteLine($"{"the whole run",-26} {"",22} peak anonymous {sampler.Peak / 1024.0 / 1024,6:F2} GiB, peak resident {ProcessStatus.Kilobytes("VmHWM") / 1024.0 / 1024:F2} GiB, read from disk {ProcessStatus.Transfer("read_bytes") / 1e9:F2} GB");
        });
    }

    private static double Processor() => Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds;

    private static long Anonymous() => ProcessStatus.Kilobytes("RssAnon");

    private sealed class Steps : IRunObserver
    {
        private double _processor = Processor();

        public Result<Unit> Stepped(StepReport report)
        {
            var now = Processor();
            Console.WriteLine($"step {report.Index,-21} {report.Seconds,9:F2} s wall {now - _processor,9:F2} cpu s   anonymous {Anonymous() / 1024.0 / 1024,6:F2} GiB   F {report.Evaluations:0.#}, G {report.GradientEvaluations:0.#}, gradient {report.GradientNorm:g4}");
            foreach (var (stage, seconds) in report.Stages.OrderByDescending(static pair => pair.Value).Where(static pair => pair.Value >= 0.05)) Console.WriteLine($"  {stage,-24} {seconds,9:F2} s");
            _processor = Processor();
            return Unit.Value;
        }
    }

    /// <summary>The peak of anonymous memory, looked at fifty times a second: the system keeps none.</summary>
    private sealed class Sampler : IDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Thread _thread;
        private long _peak;

        public Sampler()
        {
            _thread = new Thread(Look) { IsBackground = true, Name = "memory" };
            _thread.Start();
        }

        public long Peak => Interlocked.Read(ref _peak);

        public void Dispose()
        {
            _stop.Cancel();
            _thread.Join();
            _stop.Dispose();
        }

        private void Look()
        {
            while (!_stop.Token.WaitHandle.WaitOne(20)) Interlocked.Exchange(ref _peak, Math.Max(_peak, Anonymous()));
        }
    }
}
