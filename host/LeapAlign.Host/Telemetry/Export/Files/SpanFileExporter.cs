using System.Diagnostics;
using System.Text.Json;
using OpenTelemetry;

namespace LeapAlign.Host.Telemetry.Export.Files;

/// <summary>Spans into the file.</summary>
internal sealed class SpanFileExporter(TelemetryFile file) : BaseExporter<Activity>
{
    public override ExportResult Export(in Batch<Activity> batch)
    {
        List<Activity> spans = [];
        foreach (var span in batch) spans.Add(span);
        return file.Append(writer => writer.Message(("resourceSpans", "scopeSpans", "spans"), ParentProvider.GetResource(), spans, static span => span.Source.Name, Write))
            ? ExportResult.Success
            : ExportResult.Failure;
    }

    private static void Write(Utf8JsonWriter writer, Activity span)
    {
        writer.WriteStartObject();
        writer.WriteString("traceId", span.TraceId.ToHexString());
        writer.WriteString("spanId", span.SpanId.ToHexString());
        if (span.ParentSpanId != default) writer.WriteString("parentSpanId", span.ParentSpanId.ToHexString());
        writer.WriteString("name", span.DisplayName);
        writer.WriteNumber("kind", 1 + (int)span.Kind);
        writer.Time("startTimeUnixNano", span.StartTimeUtc);
        writer.Time("endTimeUnixNano", span.StartTimeUtc + span.Duration);
        writer.Attributes(span.TagObjects);
        writer.WriteStartArray("events");
        foreach (var happened in span.Events)
        {
            writer.WriteStartObject();
            writer.Time("timeUnixNano", happened.Timestamp);
            writer.WriteString("name", happened.Name);
            writer.Attributes(happened.Tags);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteStartObject("status");
        if (span.Status != ActivityStatusCode.Unset) writer.WriteNumber("code", (int)span.Status);
        if (span.StatusDescription is { } why) writer.WriteString("message", why);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
