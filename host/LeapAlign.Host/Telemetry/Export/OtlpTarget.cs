using System.Globalization;
using LeapAlign.Host.Configuration.Sections;
using OpenTelemetry.Exporter;

namespace LeapAlign.Host.Telemetry.Export;

/// <summary>
/// The OTLP receiver of a signal: what plugins.json says, then the variables of the signal, then the variables of all signals, which the exporter reads itself.
/// </summary>
/// <param name="settings">The section of plugins.json.</param>
/// <param name="variable">Reads an environment variable.</param>
/// <param name="watch">Sees what becomes of each export.</param>
internal sealed class OtlpTarget(TelemetrySettings settings, Func<string, string?> variable, DeliveryWatch watch)
{
    /// <summary>Tells an exporter.</summary>
    /// <param name="options">What it knows so far.</param>
    /// <param name="signal">traces, metrics or logs.</param>
    public void Apply(OtlpExporterOptions options, string signal)
    {
        string? Own(string name) => variable($"OTEL_EXPORTER_OTLP_{signal.ToUpperInvariant()}_{name}") is { Length: > 0 } value ? value : null;

        if ((settings.Protocol ?? Own("PROTOCOL")) is { } protocol) options.Protocol = protocol == "grpc" ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;
        if (Own("HEADERS") is { } headers) options.Headers = headers;
        if (int.TryParse(Own("TIMEOUT"), CultureInfo.InvariantCulture, out var timeout)) options.TimeoutMilliseconds = timeout;
        // An address for all signals is a base, one for a signal is whole: so the specification wants it.
        if (settings.Endpoint is { } endpoint) options.Endpoint = Base(endpoint, options.Protocol, signal);
        else if (Own("ENDPOINT") is { } whole) options.Endpoint = new Uri(whole);
        options.HttpClientFactory = () => watch.Client(TimeSpan.FromMilliseconds(options.TimeoutMilliseconds));
    }

    private static Uri Base(string endpoint, OtlpExportProtocol protocol, string signal) =>
        protocol == OtlpExportProtocol.Grpc ? new Uri(endpoint) : new Uri($"{endpoint.TrimEnd('/')}/v1/{signal}");
}
