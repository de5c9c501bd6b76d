using LeapAlign.Host.Configuration.Sections;

namespace LeapAlign.Host.Telemetry.Export;

/// <summary>Where the spans, the metrics or the logs go.</summary>
/// <param name="Otlp">To an OTLP receiver.</param>
/// <param name="Console">To the terminal.</param>
/// <param name="File">Into the run folder.</param>
internal sealed record SignalPlan(bool Otlp, bool Console, bool File)
{
    /// <summary>Whether they go anywhere.</summary>
    public bool Any => Otlp || Console || File;
}

/// <summary>
/// Where telemetry goes, by plugins.json and the environment variables that OpenTelemetry defines: nowhere unless one of them says so. plugins.json adds
/// exporters, OTEL_*_EXPORTER=none and OTEL_SDK_DISABLED=true take them away.
/// </summary>
/// <param name="Traces">Spans.</param>
/// <param name="Metrics">Metrics.</param>
/// <param name="Logs">Logs.</param>
internal sealed record ExportPlan(SignalPlan Traces, SignalPlan Metrics, SignalPlan Logs)
{
    /// <summary>Whether anything goes anywhere.</summary>
    public bool Any => Traces.Any || Metrics.Any || Logs.Any;

    /// <summary>The same where there is no run folder.</summary>
    public ExportPlan WithoutFile => new(Traces with { File = false }, Metrics with { File = false }, Logs with { File = false });

    /// <summary>Plans.</summary>
    /// <param name="settings">The section of plugins.json.</param>
    /// <param name="variable">Reads an environment variable.</param>
    public static ExportPlan Of(TelemetrySettings settings, Func<string, string?> variable)
    {
        var disabled = string.Equals(variable("OTEL_SDK_DISABLED"), "true", StringComparison.OrdinalIgnoreCase);
        return new(Signal("TRACES", settings.Traces), Signal("METRICS", settings.Metrics), Signal("LOGS", settings.Logs));

        SignalPlan Signal(string name, bool wanted)
        {
            var words = variable($"OTEL_{name}_EXPORTER")?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (disabled || !wanted || words?.Contains("none", StringComparer.OrdinalIgnoreCase) == true) return new(false, false, false);
            var named = !string.IsNullOrEmpty(variable("OTEL_EXPORTER_OTLP_ENDPOINT")) || !string.IsNullOrEmpty(variable($"OTEL_EXPORTER_OTLP_{name}_ENDPOINT"));
            return new(settings.Otlp || (words?.Contains("otlp", StringComparer.OrdinalIgnoreCase) ?? named), settings.Console || words?.Contains("console", StringComparer.OrdinalIgnoreCase) == true, settings.File);
        }
    }
}
