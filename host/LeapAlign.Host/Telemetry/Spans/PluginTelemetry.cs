using System.Diagnostics;
using System.Diagnostics.Metrics;
using LeapAlign.Host.Telemetry.Measures;
using LeapAlign.Host.Telemetry.Schema;

namespace LeapAlign.Host.Telemetry.Spans;

/// <summary>
/// The ActivitySource and the Meter of one plugin. The host makes both and disposes them with the plugin: a callback that a plugin gave its meter would keep
/// the plugin in memory.
/// </summary>
/// <param name="plugin">The id of the plugin.</param>
/// <param name="version">Its version.</param>
internal sealed class PluginTelemetry(string plugin, string? version) : IDisposable
{
    private readonly Lazy<Meter> _meter = new(() => new Meter(SourceNames.OfPlugin(plugin), version));
    private Histogram<double>? _durations;

    /// <summary>The plugin's spans.</summary>
    public ActivitySource Spans { get; } = new(SourceNames.OfPlugin(plugin), version);

    /// <summary>The plugin's measurements.</summary>
    public Meter Meter => _meter.Value;

    /// <summary>The seconds of calls of its parts.</summary>
    public Histogram<double> Durations => _durations ??= Meter.Histogram(MetricSchema.PartDuration);

    public void Dispose()
    {
        Spans.Dispose();
        if (_meter.IsValueCreated) _meter.Value.Dispose();
    }
}
