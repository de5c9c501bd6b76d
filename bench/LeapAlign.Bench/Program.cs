using System.Globalization;
using LeapAlign.Bench;
using LeapAlign.Pipeline;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var result = args switch
{
    ["step", .. var overrides] => StepBench.Run(overrides),
    ["memory", .. var overrides] => MemoryBench.Run(overrides),
    ["memory-of", var steps, .. var overrides] => MemoryBench.Measure(int.Parse(steps, CultureInfo.InvariantCulture), overrides),
    ["telemetry", .. var overrides] => TelemetryBench.Run(overrides),
    ["telemetry-receiver", var address] => TelemetryReceiver.Serve(address),
    ["telemetry-calls"] => TelemetryCallBench.Run(),
    ["learn", var seeds, .. var words] when words.Length > 0 => LearnBench.Run(seeds, words),
    _ => Usage(),
};
return result.Match(static _ => 0, static fault =>
{
    Console.Error.WriteLine($"error {fault}");
    return fault.ExitCode;
});

static Result<Unit> Usage() => new Fault.Configuration(
    FaultCodes.BadOption,
    "expected 'step' (where the time of a step goes) or 'memory' (peak memory at 10 and 40 sampling steps) or 'telemetry' (on against off) or 'telemetry-calls' (what it costs and allocates around one evaluation and one stage) or 'learn <seeds> <configurations>' (what methods learn at equal steps), then any overrides of plugins.json such as run.batch=16");
