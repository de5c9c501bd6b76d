using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Telemetry.Export;
using LeapAlign.Host.Telemetry.Measures;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Bench;

/// <summary>Telemetry on against telemetry off: blocks of steps of one run in the order ABBA, so that a drifting machine hits both.</summary>
internal static class TelemetryBench
{
    private const int BlockSteps = 4, Slow = 30;

    /// <summary>With a receiver that takes everything.</summary>
    public static Result<Unit> Run(IReadOnlyList<string> overrides) => Bench.With(overrides, bench => Measure(bench, overrides, 24, TelemetryReceiver.Start, dies: false));

    /// <summary>With receivers that are never there, take half a minute to answer, and die midway.</summary>
    public static Result<Unit> RunInTrouble(IReadOnlyList<string> overrides) => Bench.With(overrides, bench =>
    {
        Console.WriteLine("never there");
        Measure(bench, overrides, 16, TelemetryReceiver.Absent, dies: false);
        Console.WriteLine($"answers in {Slow} s");
        Measure(bench, overrides, 16, static () => TelemetryReceiver.StartOwn(Slow), dies: false);
        Console.WriteLine("dies midway");
        Measure(bench, overrides, 16, static () => TelemetryReceiver.StartOwn(0), dies: true);
    });

    private static void Measure(Bench bench, IReadOnlyList<string> overrides, int blocks, Func<TelemetryReceiver> receiver, bool dies)
    {
        using var measures = new KernelMeasures();
        using var turns = new Turns(ConfigurationFile.Read("plugins.json", overrides).Match(static source => source, static fault => throw new FaultException(fault)), receiver, dies);
        var plan = bench.Plan with { Run = bench.Plan.Run with { Steps = blocks * BlockSteps }, Evaluation = bench.Plan.Evaluation with { Every = -1 } };
        using (var kernel = new RunKernel(plan, bench.Parts, CPU, [measures, turns]))
            kernel.Run(CancellationToken.None).Match(static _ => 0, static fault => throw new FaultException(fault));
        Report("wall clock", turns.Steps, static step => step.Seconds);
        Report("processor time, all threads", turns.Steps, static step => step.Processor);
    }

    private static void Report(string what, IReadOnlyList<Step> steps, Func<Step, double> value)
    {
        var (off, on) = (Bench.Median(steps.Where(static step => !step.On).Select(value)), Bench.Median(steps.Where(static step => step.On).Select(value)));
        // Neighbouring blocks see the same machine, so their ratio says more than two medians over the whole run.
        var pairs = steps.GroupBy(static step => step.Block).Select(block => Bench.Median(block.Select(value))).Chunk(2).Select(static (pair, index) => index % 2 == 0 ? pair[1] / pair[0] : pair[0] / pair[1]).ToList();
        Console.WriteLine($"{what,-30} off {off,8:F4} s   on {on,8:F4} s   {(on / off) - 1,8:P2}   median of {pairs.Count} pairs {Bench.Median(pairs) - 1,8:P2}");
    }

    private sealed record Step(int Block, bool On, double Seconds, double Processor);

    /// <summary>Turns telemetry on and off between blocks; the first step of a block does not count.</summary>
    /// <param name="source">What the run was made from.</param>
    /// <param name="open">Makes the receiver of the next session.</param>
    /// <param name="dies">Whether it dies in the middle of the session.</param>
    private sealed class Turns(JsonSource source, Func<TelemetryReceiver> open, bool dies) : IRunObserver, IDisposable
    {
        private static readonly TelemetrySettings s_settings = new() { Otlp = true, Protocol = "http/protobuf", Interval = 1 };
        private TelemetryReceiver? _receiver;
        private TelemetrySession? _session;
        private TimeSpan _processor = Environment.CpuUsage.TotalTime;

        public List<Step> Steps { get; } = [];

        public Result<Unit> Stepped(StepReport report)
        {
            var processor = Environment.CpuUsage.TotalTime;
            var next = report.Index + 1;
            if (report.Index % BlockSteps > 0) Steps.Add(new(report.Index / BlockSteps, _session is not null, report.Seconds, (processor - _processor).TotalSeconds));
            // Off, on, on, off: between the two equal ones the session goes on.
            if (next % BlockSteps == 0 && (next / BlockSteps) % 2 == 1) Turn();
            else if (dies && next % BlockSteps == 0 && _session is not null) Close();
            _processor = Environment.CpuUsage.TotalTime;
            return Unit.Value;
        }

        public void Dispose()
        {
            _session?.Dispose();
            Close();
        }

        private void Turn()
        {
            if (_session is not null)
            {
                _session.Dispose();
                _session = null;
                Close();
                return;
            }
            _receiver = open();
            var settings = s_settings with { Endpoint = _receiver.Address };
            // What is said of a receiver in trouble is shown, and the run goes on.
            _session = TelemetrySession.Start(source, settings, ExportPlan.Of(settings, static _ => null), static fault => Console.WriteLine($"  {fault.Code}"));
        }

        private void Close()
        {
            _receiver?.Dispose();
            _receiver = null;
        }
    }
}
