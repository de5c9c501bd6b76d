using System.Diagnostics;
using System.Globalization;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Telemetry.Export.Files;
using LeapAlign.Host.Telemetry.Export.Variables;
using LeapAlign.Host.Telemetry.Schema;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace LeapAlign.Host.Telemetry.Export;

/// <summary>
/// The OpenTelemetry SDK while a command runs. Exports happen on threads of their own, from queues that drop what does not fit: nothing in a run waits for them.
/// </summary>
internal sealed class TelemetrySession : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);
    private const int UsualInterval = 10_000, UsualDelay = 1_000;

    private readonly OpenTelemetrySdk _sdk;
    private readonly DeliveryWatch _watch;

    private TelemetrySession(OpenTelemetrySdk sdk, DeliveryWatch watch, TelemetryFile file) => (_sdk, _watch, File) = (sdk, watch, file);

    /// <summary>The file in the run folder.</summary>
    public TelemetryFile File { get; }

    /// <summary>Takes logs.</summary>
    public ILoggerFactory Loggers => _sdk.GetLoggerFactory();

    /// <summary>Starts what a plan asks for.</summary>
    /// <param name="source">plugins.json with its overrides.</param>
    /// <param name="settings">Its section <c>telemetry</c>.</param>
    /// <param name="environment">The variables of the process.</param>
    /// <param name="warn">Takes the one warning about a receiver.</param>
    /// <param name="time">The clock.</param>
    public static TelemetrySession Start(JsonSource source, TelemetrySettings settings, (ExportPlan Plan, OtelEnvironment Variables) environment, Action<Fault> warn, TimeProvider time)
    {
        var plan = environment.Plan;
        var watch = new DeliveryWatch(warn, time);
        var file = new TelemetryFile(warn);
        var target = new OtlpTarget(settings, environment.Variables.Value, watch);
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(environment.Variables.ForSdk).Build();
        var resource = RunResource.Of(source);
        (OtlpTarget, TelemetryFile, Func<string, string?>) to = (target, file, environment.Variables.Value);
        var sdk = OpenTelemetrySdk.Create(builder =>
        {
            // The SDK would read all of the environment, and ends the process over what is wrong in it.
            builder.Services.AddSingleton<IConfiguration>(configuration);
            if (plan.Traces.Any) builder.WithTracing(tracing => Tracing(tracing.SetResourceBuilder(resource), plan.Traces, to));
            if (plan.Metrics.Any) builder.WithMetrics(metrics => Metrics(metrics.SetResourceBuilder(resource), settings, plan.Metrics, to));
            if (plan.Logs.Any) builder.WithLogging(logging => Logging(logging.SetResourceBuilder(resource), plan.Logs, to), static options => options.IncludeFormattedMessage = true);
        });
        return new TelemetrySession(sdk, watch, file);
    }

    /// <summary>Sends what is left, to a receiver that has taken what was sent so far.</summary>
    public void Dispose()
    {
        if (!_watch.IsWell(s_patience)) _watch.Abandon(quietly: false);
        Flush();
        // What is still under way now was given its second, and is the news; afterwards the SDK may only find the door closed.
        _watch.Abandon(quietly: false);
        _watch.Abandon(quietly: true);
        _sdk.Dispose();
        _watch.Dispose();
        File.Dispose();
    }

    /// <summary>Sends what is there, for at most a second.</summary>
    public void Flush()
    {
        var started = Stopwatch.GetTimestamp();
        int Left() => Math.Max(1, (int)(s_patience - Stopwatch.GetElapsedTime(started)).TotalMilliseconds);
        _sdk.TracerProvider.ForceFlush(Left());
        _sdk.MeterProvider.ForceFlush(Left());
        _sdk.LoggerProvider.ForceFlush(Left());
    }

    private static void Tracing(TracerProviderBuilder tracing, SignalPlan plan, (OtlpTarget Otlp, TelemetryFile File, Func<string, string?> Variable) to)
    {
        tracing.AddSource(SourceNames.All, SourceNames.Life);
        if (plan.Otlp)
        {
            tracing.AddOtlpExporter(options =>
            {
                to.Otlp.Apply(options, "traces");
                options.BatchExportProcessorOptions.ScheduledDelayMilliseconds = Milliseconds(to.Variable("OTEL_BSP_SCHEDULE_DELAY"), UsualDelay);
            });
        }
        if (plan.Console) tracing.AddConsoleExporter();
        if (plan.File) tracing.AddProcessor(new BatchActivityExportProcessor(new SpanFileExporter(to.File), scheduledDelayMilliseconds: UsualDelay));
    }

    private static void Metrics(MeterProviderBuilder metrics, TelemetrySettings settings, SignalPlan plan, (OtlpTarget Otlp, TelemetryFile File, Func<string, string?> Variable) to)
    {
        var interval = settings.Interval is { } seconds ? (int)(1000 * seconds) : Milliseconds(to.Variable("OTEL_METRIC_EXPORT_INTERVAL"), UsualInterval);
        metrics.AddMeter(SourceNames.All, SourceNames.Runtime);
        if (plan.Otlp)
        {
            metrics.AddOtlpExporter((options, reader) =>
            {
                to.Otlp.Apply(options, "metrics");
                reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = interval;
            });
        }
        if (plan.Console) metrics.AddConsoleExporter((_, reader) => reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = interval);
        if (plan.File) metrics.AddReader(new PeriodicExportingMetricReader(new MetricFileExporter(to.File), interval));
    }

    private static void Logging(LoggerProviderBuilder logging, SignalPlan plan, (OtlpTarget Otlp, TelemetryFile File, Func<string, string?> Variable) to)
    {
        if (plan.Otlp)
        {
            logging.AddOtlpExporter((options, processor) =>
            {
                to.Otlp.Apply(options, "logs");
                processor.BatchExportProcessorOptions.ScheduledDelayMilliseconds = Milliseconds(to.Variable("OTEL_BLRP_SCHEDULE_DELAY"), UsualDelay);
            });
        }
        if (plan.Console) logging.AddConsoleExporter();
        if (plan.File) logging.AddProcessor(new BatchLogRecordExportProcessor(new LogFileExporter(to.File), scheduledDelayMilliseconds: UsualDelay));
    }

    private static int Milliseconds(string? value, int otherwise) => value is null ? otherwise : int.Parse(value, CultureInfo.InvariantCulture);
}
