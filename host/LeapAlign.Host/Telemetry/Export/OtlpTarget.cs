using System.Globalization;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Telemetry.Export.Variables;
using OpenTelemetry.Exporter;

namespace LeapAlign.Host.Telemetry.Export;

/// <summary>
/// The OTLP receiver of a signal: what plugins.json says, then the variables of the signal, then the variables of all signals.
/// </summary>
/// <param name="settings">The section of plugins.json.</param>
/// <param name="variable">Reads an environment variable; those that hold what they should.</param>
/// <param name="watch">Sees what becomes of each export.</param>
internal sealed class OtlpTarget(TelemetrySettings settings, Func<string, string?> variable, DeliveryWatch watch)
{
    private const int UsualTimeout = 10_000;

    /// <summary>Tells an exporter.</summary>
    /// <param name="options">What it knows so far.</param>
    /// <param name="signal">traces, metrics or logs.</param>
    public void Apply(OtlpExporterOptions options, string signal)
    {
        string? Own(string name) => variable($"{OtelVariables.Otlp}{signal.ToUpperInvariant()}_{name}") is { Length: > 0 } value ? value : null;
        string? All(string name) => variable($"{OtelVariables.Otlp}{name}") is { Length: > 0 } value ? value : null;
        string? Either(string name) => Own(name) ?? All(name);

        options.Protocol = (settings.Protocol ?? Either("PROTOCOL")) is { } protocol && !protocol.Equals("grpc", StringComparison.OrdinalIgnoreCase) ? OtlpExportProtocol.HttpProtobuf : OtlpExportProtocol.Grpc;
        // The exporter takes an empty part, behind a last comma for instance, for a broken one.
        if (Either("HEADERS") is { } headers) options.Headers = string.Join(',', headers.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        options.TimeoutMilliseconds = Either("TIMEOUT") is { } timeout ? int.Parse(timeout, CultureInfo.InvariantCulture) : UsualTimeout;
        if (Either("COMPRESSION") is { } compression) options.Compression = compression.Equals("gzip", StringComparison.OrdinalIgnoreCase) ? OtlpExportCompression.GZip : OtlpExportCompression.None;
        // An address for all signals is a base, one for a signal is whole: so the specification wants it.
        if (settings.Endpoint is { } endpoint) options.Endpoint = Base(endpoint, options.Protocol, signal);
        else if (Own("ENDPOINT") is { } whole) options.Endpoint = new Uri(whole);
        else if (All("ENDPOINT") is { } start) options.Endpoint = Base(start, options.Protocol, signal);
        var connection = Certificates.Options(Either("CERTIFICATE"), Either("CLIENT_CERTIFICATE"), Either("CLIENT_KEY"));
        options.HttpClientFactory = () => watch.Client(TimeSpan.FromMilliseconds(options.TimeoutMilliseconds), connection);
    }

    private static Uri Base(string endpoint, OtlpExportProtocol protocol, string signal) =>
        protocol == OtlpExportProtocol.Grpc ? new Uri(endpoint) : new Uri($"{endpoint.TrimEnd('/')}/v1/{signal}");
}
