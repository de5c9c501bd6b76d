using System.Globalization;
using LeapAlign.Bench;
using LeapAlign.Bench.Cases;
using LeapAlign.Bench.Formats;
using LeapAlign.Bench.FullSize;
using LeapAlign.Bench.Fuzz;
using LeapAlign.Bench.Machine;
using LeapAlign.Bench.OnDevice;
using LeapAlign.Bench.References;
using LeapAlign.Bench.Tables;
using LeapAlign.Pipeline;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args is ["reference", .. var ofRuns])
    return ReferenceBench.Run(Environment.GetEnvironmentVariable(ReferenceBench.Variable), ofRuns, Console.Out).Match(static within => within ? 0 : 1, Failed);
var result = args switch
{
    ["step", .. var overrides] => StepBench.Run(overrides),
    ["memory", .. var overrides] => MemoryBench.Run(overrides),
    ["memory-of", var steps, .. var overrides] => MemoryBench.Measure(int.Parse(steps, CultureInfo.InvariantCulture), overrides),
    ["telemetry", .. var overrides] => TelemetryBench.Run(overrides),
    ["telemetry-trouble", .. var overrides] => TelemetryBench.RunInTrouble(overrides),
    ["telemetry-receiver", var address, var seconds] => TelemetryReceiver.Serve(address, int.Parse(seconds, CultureInfo.InvariantCulture)),
    ["telemetry-calls"] => TelemetryCallBench.Run(),
    ["learn", var seeds, .. var words] when words.Length > 0 => LearnBench.Run(seeds, words),
    ["table", var file, .. var words] => TableBench.Run(file, words),
    ["fuzz", var target, var count, .. var rest] => FuzzCommand.Run(target, count, rest),
    ["cases", "reflow", .. var seeds] => ReflowCase.Run(seeds),
    ["cases", "flow-map", .. var seeds] => FlowMapCase.Run(seeds),
    ["cases", "tvd", .. var seeds] => TvdCase.Run(seeds),
    ["cases", "dro-em", .. var seeds] => DroEmCase.Run(seeds),
    ["cases", "same-law", .. var seeds] => SameLawCase.Run(seeds),
    ["cases", "attack", .. var seeds] => AttackCase.Run(seeds),
    ["cases", .. var ids] => CasesBench.Run(ids),
    ["kill", var count, .. var words] when words.Length > 0 => KillBench.Run(int.Parse(count, CultureInfo.InvariantCulture), words),
    ["bits", var other, .. var words] => BitsBench.Run(other, words),
    ["checkpoint", .. var overrides] => CheckpointBench.Run(overrides),
    ["formats", var path] => FormatsPage.Write(path),
    ["soak", var steps, .. var overrides] => SoakBench.Run(int.Parse(steps, CultureInfo.InvariantCulture), overrides),
    ["neighbours", .. var overrides] => NeighbourBench.Run(overrides),
    ["busy", var seconds] => NeighbourBench.BeBusy(int.Parse(seconds, CultureInfo.InvariantCulture)),
    ["amx", .. var overrides] => TileBench.Run(overrides),
    ["product-of"] => TileBench.Measure(),
    ["make", var model, var folder] => FullModel.Write(model, folder),
    ["adapters", var first, var second] => AdapterCosine.Run(first, second),
    ["full-step", var folder, .. var overrides] => FullStepBench.Run(folder, overrides),
    ["gpu-check", var device] => DeviceCheck.Run(device, null),
    ["gpu-check", var device, var folder] => DeviceCheck.Run(device, Path.GetFullPath(folder)),
    ["scored", var name] => ScoredCases.Run(name, "0,1,2"),
    ["scored", var name, var seeds] => ScoredCases.Run(name, seeds),
    ["steps-of", var steps, .. var overrides] => StepsOf.Measure(int.Parse(steps, CultureInfo.InvariantCulture), overrides),
    _ => Usage(),
};
return result.Match(static _ => 0, Failed);

static int Failed(Fault fault)
{
    Console.Error.WriteLine($"error {fault}");
    return fault.ExitCode;
}

static Result<Unit> Usage() => new Fault.Configuration(
    FaultCodes.BadOption,
    "expected 'step' (where the time of a step goes), 'memory' (peak memory at 10 and 40 sampling steps), 'telemetry' (on against off), 'telemetry-trouble' (the same with receivers that are not there, slow or die), 'telemetry-calls' (what it costs and allocates around one evaluation and one stage), 'learn <seeds> <configurations>' (what methods learn at equal steps), 'table <file> [minutes=20] [jobs=2]' (runs of bench/tables, seeds and rates, compared), 'cases [ids]' (small published cases of optimizers and objectives), 'cases reflow [seeds]' (few steps by reflow and distillation on a checkerboard), 'cases flow-map [seeds]' (the same by flow maps), 'cases tvd [seeds]' (how often a small drafter is accepted), 'cases dro-em [seeds]' (a selector and a reader that learn together), 'cases attack [seeds]' (a search that attacks along a slope), 'cases same-law [seeds]' (pictures with drafts against pictures without), 'kill <count> <configurations>' (runs that are killed and resumed), 'bits <program> [configurations]' (whether another build computes the same), 'checkpoint' (what checkpoints cost), 'soak <steps>' (memory of a long run), 'neighbours' (a step beside busy processes), 'amx' (what AMX is worth), 'reference' (whether diffusers and PEFT draw the same pictures from exports), 'make <model> <folder>' (a model of published size with random weights), 'full-step <folder>' (time and memory of its steps), 'adapters <file> <file>' (how alike two adapters are, block by block), 'gpu-check <device> [folder]' (whether a device computes what the CPU does, see eng/gpu-check), 'scored <copg, dso, ddo or bandit> [seeds]' (what methods that learn from scores do to a flow of the plane), 'formats <file>' (writes docs/formats.md) or 'fuzz <target> <count> [seed]' (files that strangers write), then any overrides of plugins.json such as run.batch=16");
