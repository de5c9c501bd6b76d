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
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Plugins;
using LeapAlign.Host.Telemetry.Spans;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Bench;

/// <summary>What an evaluation and a stage cost around their work while nobody listens.</summary>
public class TelemetryOffBench
{
    private static readonly Func<bool> s_nothing = static () => true;
    private Func<Tensor> _velocity = null!;
    private StageClock _clock = null!;

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
        _clock = new StageClock(new KernelSpans(plan));
        var velocity = zeros(1);
        _velocity = () => velocity;
    }

    /// <summary>An evaluation without gradient.</summary>
    [Benchmark]
    public object Evaluation() => _clock.Evaluate(new NetworkCall(1, false, 32, 0.5), _velocity);

    /// <summary>A stage.</summary>
    [Benchmark]
    public bool Stage() => _clock.Measure("decode", s_nothing);
}
