using System.Diagnostics;
using System.Text.Json;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Schema;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Telemetry.Export;
using LeapAlign.Host.Telemetry.Export.Variables;
using LeapAlign.Host.Telemetry.Measures;
using LeapAlign.Host.Telemetry.Schema;
using LeapAlign.Host.Telemetry.Spans;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace LeapAlign.Host.Telemetry;

/// <summary>The telemetry of a command: on where plugins.json or the environment names an exporter, otherwise nothing that costs anything.</summary>
internal sealed class RunTelemetry(Terminal terminal, ILoggerFactory loggers, TimeProvider time) : IDisposable
{
    private readonly KernelMeasures _measures = new();
    private TelemetrySession? _session;

    /// <summary>The log of the run.</summary>
    public RunLog Log { get; } = new(loggers.CreateLogger(RunLog.Category));

    /// <summary>What the kernel tells.</summary>
    public IReadOnlyList<IRunObserver> Observers => [_measures, Log];

    /// <summary>
    /// Runs a command in its span. The section is read before anything is composed, because the life of plugins begins before that; what is wrong with it the
    /// composer says.
    /// </summary>
    /// <param name="verb">The verb.</param>
    /// <param name="source">plugins.json with its overrides.</param>
    /// <param name="command">The command.</param>
    public int Around(string verb, Result<JsonSource> source, Func<int> command)
    {
        _session = source.TryGet(out var read, out _) ? Start(read, makesFolder: verb == "train") : null;
        try
        {
            using var span = KernelSpans.Source.StartActivity(SpanSchema.Command.Name)?.SetTag(Tags.Command.Name, verb);
            return command();
        }
        finally
        {
            _session?.Dispose();
            _session = null;
        }
    }

    /// <summary>The run computes on this device.</summary>
    public void Device(Device device) => _measures.On(device);

    /// <summary>There is a run folder.</summary>
    public void Folder(string path) => _session?.File.Open(path);

    /// <summary>Notes how the command ended.</summary>
    /// <returns>The same.</returns>
    public Result<T> Note<T>(Result<T> outcome)
    {
        if (outcome.TryGet(out _, out var fault)) return outcome;
        Activity.Current?.Fail(fault);
        Log.Failed(fault);
        return outcome;
    }

    public void Dispose()
    {
        _session?.Dispose();
        _measures.Dispose();
    }

    private TelemetrySession? Start(JsonSource source, bool makesFolder)
    {
        var section = source.Root["telemetry"]?.DeepClone() ?? new System.Text.Json.Nodes.JsonObject();
        if (SchemaCheck.First(section, SettingsSchema.Of(HostJson.Telemetry), "telemetry", source) is not null) return null;
        var settings = JsonSerializer.Deserialize(section, HostJson.Telemetry)!;
        var environment = OtelEnvironment.Current;
        var plan = environment.Plan(settings);
        foreach (var slip in environment.Slips) terminal.Error.Warning(slip);
        if (!makesFolder && settings.File)
        {
            plan = plan.WithoutFile;
            terminal.Error.Warning(new Fault.Run(FaultCodes.TelemetryNotKept, "telemetry.file writes into the run folder that train makes; this command makes none, and writes no telemetry.jsonl"));
        }
        if (!plan.Any) return null;
        try
        {
            var session = TelemetrySession.Start(source, settings, (plan, environment), terminal.Error.Warning, time);
            if (plan.Logs.Any) loggers.AddProvider(new Forwarding(session.Loggers));
            return session;
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException or NotSupportedException or FormatException or IOException or UnauthorizedAccessException)
        {
            // What the SDK refuses and nobody looked for before: telemetry is beside a run, and never ends it.
            terminal.Error.Warning(new Fault.Run(FaultCodes.TelemetryNotKept, $"telemetry could not be begun: {exception.Message.TrimEnd('.')}; the run goes on, telemetry is lost"));
            return null;
        }
    }

    private sealed class Forwarding(ILoggerFactory to) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => to.CreateLogger(categoryName);

        public void Dispose()
        {
            // The session owns what is forwarded to.
        }
    }
}
