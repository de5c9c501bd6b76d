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
using LeapAlign.Host.Plugins;
using LeapAlign.Host.Telemetry.Spans;
using LeapAlign.Pipeline;

namespace LeapAlign.Bench;

/// <summary>What telemetry costs around an evaluation and around a stage while nobody listens.</summary>
public class TelemetryOffBench
{
    private KernelSpans _spans = null!;

    /// <summary>Runs the benchmark in this process.</summary>
    internal static Result<Unit> Run()
    {
        BenchmarkRunner.Run<TelemetryOffBench>(ManualConfig.CreateEmpty()
            .AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.Instance))
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
        var plan = ConfigurationFile.Read("plugins.json", []).Bind(new Composer(PluginCatalog.Discover([Bench.BuiltPlugins], new IsolatedPluginLoader())).Compose).Match(static plan => plan, static fault => throw new FaultException(fault));
        _spans = new KernelSpans(plan);
    }

    /// <summary>An evaluation without gradient.</summary>
    [Benchmark]
    public void Evaluation() => _spans.OpenEvaluation(new NetworkCall(1, false, 32, 0.5)).Close();

    /// <summary>A stage.</summary>
    [Benchmark]
    public void Stage() => _spans.Open("decode").Close();
}
