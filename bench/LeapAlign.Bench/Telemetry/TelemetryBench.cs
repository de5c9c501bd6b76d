using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Telemetry.Export;
using LeapAlign.Host.Telemetry.Export.Variables;
using LeapAlign.Host.Telemetry.Measures;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Bench;

/// <summary>
/// Telemetry on against telemetry off: blocks of steps of one run in the order ABBA, so that a drifting machine hits both. What telemetry does in a step depends on its evaluations and stages, not on
/// how many pictures they have: steps of one picture show in milliseconds what is lost in the noise of long ones.
/// </summary>
internal static class TelemetryBench
{
    private const int Slow = 30;

    /// <summary>With a receiver that takes everything.</summary>
    public static Result<Unit> Run(IReadOnlyList<string> overrides) => Bench.With(overrides, bench =>
    {
        var whole = new Trial("steps as they are", 24, 4, TelemetryReceiver.Start).Run(bench, overrides);
        Small(overrides, whole, new Trial("steps of one picture", 24, 10, TelemetryReceiver.Start));
    });

    /// <summary>With receivers that are never there, take half a minute to answer, and die midway.</summary>
    public static Result<Unit> RunInTrouble(IReadOnlyList<string> overrides) => Bench.With(overrides, bench =>
    {
        var whole = new Trial("steps as they are, a receiver that takes everything", 4, 4, TelemetryReceiver.Start).Run(bench, overrides);
        Small(
            overrides,
            whole,
            new("never there", 24, 10, TelemetryReceiver.Absent),
            new($"answers in {Slow} s", 24, 10, static () => TelemetryReceiver.StartOwn(Slow)),
            new("dies midway", 24, 10, static () => TelemetryReceiver.StartOwn(0)) { Dies = true });
    });

    private static void Small(IReadOnlyList<string> overrides, double whole, params IEnumerable<Trial> trials)
    {
        string[] small = [.. overrides, "run.batch=1"];
        Bench.With(small, bench =>
        {
            foreach (var trial in trials) trial.Run(bench, small, whole);
        }).Required();
    }

    /// <summary>One comparison.</summary>
    /// <param name="Words">What is compared.</param>
    /// <param name="Blocks">Blocks of steps, half of them with telemetry.</param>
    /// <param name="BlockSteps">Steps of each.</param>
    /// <param name="Receiver">Makes the receiver of the next session.</param>
    private sealed record Trial(string Words, int Blocks, int BlockSteps, Func<TelemetryReceiver> Receiver)
    {
        /// <summary>Whether the receiver dies in the middle of its session.</summary>
        public bool Dies { get; init; }

        /// <summary>Runs, and says what it found.</summary>
        /// <param name="bench">What runs.</param>
        /// <param name="overrides">What it was made from, beside plugins.json.</param>
        /// <param name="whole">Seconds of a step that the difference is compared with; those of its own steps when null.</param>
        /// <returns>Seconds of a step without telemetry.</returns>
        public double Run(Bench bench, IReadOnlyList<string> overrides, double? whole = null)
        {
            Console.WriteLine(Words);
            using var measures = new KernelMeasures();
            using var turns = new Turns(ConfigurationFile.Read("plugins.json", overrides).Required(), this);
            var plan = bench.Plan with { Run = bench.Plan.Run with { Steps = Blocks * BlockSteps }, Evaluation = bench.Plan.Evaluation with { Every = -1 } };
            using (var kernel = new RunKernel(plan, bench.Parts, CPU, [measures, turns]))
                kernel.Run(CancellationToken.None).Required();
            var off = Bench.Median(turns.Steps.Where(static step => !step.On).Select(static step => step.Seconds));
            Report("wall clock", turns.Steps, static step => step.Seconds, whole ?? off, Bench.Median);
            Report("processor time, all threads", turns.Steps, static step => step.Processor, whole ?? off, Bench.Median);
            // What comes every few steps is in no median.
            Report("processor time beside the step", turns.Steps, static step => step.Beside, whole ?? off, Enumerable.Average);
            return off;
        }
    }

    private static void Report(string what, IReadOnlyList<Step> steps, Func<Step, double> value, double whole, Func<IEnumerable<double>, double> typical)
    {
        var off = typical(steps.Where(static step => !step.On).Select(value));
        // Neighbouring blocks see the same machine, so their difference says more than two medians over the whole run.
        var pairs = steps.GroupBy(static step => step.Block).Select(block => typical(block.Select(value))).Chunk(2).Select(static (pair, index) => index % 2 == 0 ? pair[1] - pair[0] : pair[0] - pair[1]).ToList();
        var (mean, more) = (pairs.Average(), typical(pairs));
        var error = Math.Sqrt(pairs.Sum(pair => (pair - mean) * (pair - mean)) / (pairs.Count - 1) / pairs.Count);
        Console.WriteLine($"{what,-30} off {1e3 * off,8:F2} ms   on {1e3 * more,+8:F2} ms more ({pairs.Count} pairs; standard error {1e3 * error:F2} ms): {more / whole:P2} of {1e3 * whole:F0} ms");
    }

    private sealed record Step(int Block, bool On, double Seconds, double Processor, double Beside);

    /// <summary>Turns telemetry on and off between blocks; the first step of a block does not count.</summary>
    private sealed class Turns(JsonSource source, Trial trial) : IRunObserver, IDisposable
    {
        private static readonly TelemetrySettings s_settings = new() { Otlp = true, Protocol = "http/protobuf" };
        private TelemetryReceiver? _receiver;
        private TelemetrySession? _session;
        private readonly ThreadTimes _threads = new();
        private TimeSpan _processor = Environment.CpuUsage.TotalTime;

        public List<Step> Steps { get; } = [];

        public Result<Unit> Stepped(StepReport report)
        {
            var (processor, beside) = (Environment.CpuUsage.TotalTime, _threads.Next());
            var (next, length) = (report.Index + 1, trial.BlockSteps);
            if (report.Index % length > 0) Steps.Add(new(report.Index / length, _session is not null, report.Seconds, (processor - _processor).TotalSeconds, beside));
            // Off, on, on, off: between the two equal ones the session goes on.
            if (next % length == 0 && (next / length) % 2 == 1) Turn();
            else if (trial.Dies && next % length == 0 && _session is not null) Close();
            _processor = Environment.CpuUsage.TotalTime;
            _threads.Next();
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
            _receiver = trial.Receiver();
            var settings = s_settings with { Endpoint = _receiver.Address };
            // What is said of a receiver in trouble is shown, and the run goes on.
            _session = TelemetrySession.Start(source, settings, (ExportPlan.Of(settings, static _ => null), new OtelEnvironment([])), static fault => Console.WriteLine($"  {fault.Code}"), TimeProvider.System);
        }

        private void Close()
        {
            _receiver?.Dispose();
            _receiver = null;
        }
    }
}
