using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace LeapAlign.Host.Configuration.Sections;

/// <summary>The section <c>telemetry</c> of plugins.json. What it leaves out is what the OTEL_* environment variables say.</summary>
internal sealed record TelemetrySettings
{
    /// <summary>The value of <see cref="Evaluations"/> that makes spans.</summary>
    public const string AsSpans = "spans";

    [Description("Sends to an OTLP receiver: a collector, Jaeger, the Aspire dashboard. It is on as well where OTEL_EXPORTER_OTLP_ENDPOINT names one.")]
    public bool Otlp { get; init; }

    [Description("Where the OTLP receiver listens, for instance http://localhost:4317; null takes OTEL_EXPORTER_OTLP_ENDPOINT, or the usual port of the protocol on this machine.")]
    [RegularExpression("^https?://.+$")]
    public string? Endpoint { get; init; }

    [Description("How OTLP is sent; null takes OTEL_EXPORTER_OTLP_PROTOCOL, or grpc.")]
    [AllowedValues("grpc", "http/protobuf")]
    public string? Protocol { get; init; }

    [Description("Prints telemetry, for looking at it without a receiver.")]
    public bool Console { get; init; }

    [Description("Writes telemetry.jsonl into the run folder, one OTLP message in JSON a line.")]
    public bool File { get; init; }

    [Description("Whether spans are sent.")]
    public bool Traces { get; init; } = true;

    [Description("Whether metrics are sent. Jaeger takes none.")]
    public bool Metrics { get; init; } = true;

    [Description("Whether logs are sent. Jaeger takes none.")]
    public bool Logs { get; init; } = true;

    [Description("How an evaluation of the network without gradient is told: as an event of its rollout, or as a span of its own.")]
    [AllowedValues("events", AsSpans)]
    public string Evaluations { get; init; } = "events";

    [Description("Steps from one whose spans are kept to the next. Metrics are of every step.")]
    [Range(1, 10_000_000)]
    public int Every { get; init; } = 1;

    [Description("Seconds between two exports of metrics; null takes OTEL_METRIC_EXPORT_INTERVAL, or 10.")]
    [Range(0.1, 3600)]
    public double? Interval { get; init; }
}
