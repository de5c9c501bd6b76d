using System.Diagnostics;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Plugins;
using LeapAlign.Host.Telemetry.Export;
using LeapAlign.Host.Telemetry.Export.Variables;
using LeapAlign.Host.Telemetry.Spans;
using LeapAlign.Pipeline;

namespace LeapAlign.Bench;

/// <summary>What telemetry costs around an evaluation and around a stage: while nobody listens, and with everything sent to a live receiver.</summary>
public class TelemetryCallBench
{
    private const int Evaluations = 10;

    private KernelSpans _spans = null!;
    private TelemetryReceiver? _receiver;
    private TelemetrySession? _session;
    private Activity? _roll;

    /// <summary>Whether telemetry is sent.</summary>
    [Params(false, true)]
    public bool Sent { get; set; }

    /// <summary>Runs the benchmark in this process.</summary>
    internal static Result<Unit> Run()
    {
        BenchmarkRunner.Run<TelemetryCallBench>(ManualConfig.CreateEmpty()
            .AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.Instance).WithIterationCount(50))
            .AddDiagnoser(MemoryDiagnoser.Default)
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .AddExporter(MarkdownExporter.GitHub)
            .AddLogger(ConsoleLogger.Default));
        return Unit.Value;
    }

    /// <summary>The plan of plugins.json in the working folder.</summary>
    [GlobalSetup]
    public void Compose()
    {
        var source = ConfigurationFile.Read("plugins.json", []).Required();
        _spans = new KernelSpans(new Composer(PluginCatalog.Discover([BuiltHost.Plugins], new IsolatedPluginLoader())).Compose(source).Required());
        if (!Sent) return;
        _receiver = TelemetryReceiver.Start();
        var settings = new TelemetrySettings { Otlp = true, Protocol = "http/protobuf", Endpoint = _receiver.Address };
        _session = TelemetrySession.Start(source, settings, (ExportPlan.Of(settings, static _ => null), new OtelEnvironment([])), static fault => throw new FaultException(fault), TimeProvider.System);
    }

    /// <summary>A rollout, as a step has one.</summary>
    [IterationSetup(Target = nameof(Evaluation))]
    public void Roll() => _roll = KernelSpans.Source.StartActivity("roll");

    /// <summary>The end of the rollout.</summary>
    [IterationCleanup(Target = nameof(Evaluation))]
    public void End() => _roll?.Dispose();

    /// <summary>The end of both.</summary>
    [GlobalCleanup]
    public void Stop()
    {
        _session?.Dispose();
        _receiver?.Dispose();
    }

    /// <summary>Evaluations without gradient, as many as a rollout has.</summary>
    [Benchmark(OperationsPerInvoke = Evaluations)]
    public void Evaluation()
    {
        for (var time = 0; time < Evaluations; time++) _spans.OpenEvaluation(new NetworkCall(1, false, 32, 0.5)).Close();
    }

    /// <summary>A stage.</summary>
    [Benchmark]
    public void Stage() => _spans.Open("decode").Close();
}
