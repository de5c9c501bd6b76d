using System.Text.Json;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Logs;

namespace LeapAlign.Host.Telemetry.Export.Files;

/// <summary>Logs into the file.</summary>
internal sealed class LogFileExporter(TelemetryFile file) : BaseExporter<LogRecord>
{
    public override ExportResult Export(in Batch<LogRecord> batch)
    {
        // Records are taken back after the export: what is kept of them is copied here.
        var written = true;
        foreach (var record in batch)
        {
            written &= file.Append(writer => writer.Message(
                ("resourceLogs", "scopeLogs", "logRecords"), ParentProvider.GetResource(), [record], static record => record.CategoryName ?? "", Write));
        }
        return written ? ExportResult.Success : ExportResult.Failure;
    }

    private static void Write(Utf8JsonWriter writer, LogRecord record)
    {
        writer.WriteStartObject();
        writer.Time("timeUnixNano", record.Timestamp);
        writer.WriteNumber("severityNumber", Severity(record.LogLevel));
        writer.WriteString("severityText", record.LogLevel.ToString());
        writer.WriteStartObject("body");
        writer.WriteString("stringValue", record.FormattedMessage ?? record.Body);
        writer.WriteEndObject();
        writer.Attributes(record.Attributes?.Where(static pair => pair.Key != "{OriginalFormat}") ?? []);
        if (record.TraceId != default) writer.WriteString("traceId", record.TraceId.ToHexString());
        if (record.SpanId != default) writer.WriteString("spanId", record.SpanId.ToHexString());
        writer.WriteEndObject();
    }

    // The first number of each range of the specification: 1 trace, 5 debug, 9 information, 13 warning, 17 error, 21 fatal.
    private static int Severity(LogLevel level) => 1 + (4 * Math.Min((int)level, (int)LogLevel.Critical));
}
