using System.Text.Json;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace LeapAlign.Host.Telemetry.Export.Files;

/// <summary>Metrics into the file: gauges, sums since the start, histograms since the start.</summary>
internal sealed class MetricFileExporter(TelemetryFile file) : BaseExporter<Metric>
{
    private const int Cumulative = 2;

    public override ExportResult Export(in Batch<Metric> batch)
    {
        List<Metric> metrics = [];
        foreach (var metric in batch) metrics.Add(metric);
        return file.Append(writer => writer.Message(("resourceMetrics", "scopeMetrics", "metrics"), ParentProvider.GetResource(), metrics, static metric => metric.MeterName, Write))
            ? ExportResult.Success
            : ExportResult.Failure;
    }

    private static void Write(Utf8JsonWriter writer, Metric metric)
    {
        writer.WriteStartObject();
        writer.WriteString("name", metric.Name);
        writer.WriteString("description", metric.Description);
        writer.WriteString("unit", metric.Unit);
        writer.WriteStartObject(metric.MetricType switch
        {
            MetricType.Histogram => "histogram",
            MetricType.DoubleGauge or MetricType.LongGauge => "gauge",
            _ => "sum",
        });
        if (metric.MetricType is not (MetricType.DoubleGauge or MetricType.LongGauge)) writer.WriteNumber("aggregationTemporality", Cumulative);
        if (metric.MetricType is MetricType.DoubleSum or MetricType.LongSum) writer.WriteBoolean("isMonotonic", true);
        writer.WriteStartArray("dataPoints");
        foreach (ref readonly var point in metric.GetMetricPoints())
        {
            writer.WriteStartObject();
            writer.Time("startTimeUnixNano", point.StartTime);
            writer.Time("timeUnixNano", point.EndTime);
            List<KeyValuePair<string, object?>> tags = [];
            foreach (var tag in point.Tags) tags.Add(tag);
            writer.Attributes(tags);
            Value(writer, metric.MetricType, point);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void Value(Utf8JsonWriter writer, MetricType type, in MetricPoint point)
    {
        switch (type)
        {
            case MetricType.Histogram:
                Histogram(writer, point);
                break;
            case MetricType.DoubleGauge:
                writer.Double("asDouble", point.GetGaugeLastValueDouble());
                break;
            case MetricType.LongGauge:
                writer.Long("asInt", point.GetGaugeLastValueLong());
                break;
            case MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic:
                writer.Double("asDouble", point.GetSumDouble());
                break;
            default:
                writer.Long("asInt", point.GetSumLong());
                break;
        }
    }

    private static void Histogram(Utf8JsonWriter writer, in MetricPoint point)
    {
        writer.Long("count", point.GetHistogramCount());
        writer.Double("sum", point.GetHistogramSum());
        List<long> counts = [];
        List<double> bounds = [];
        foreach (var bucket in point.GetHistogramBuckets())
        {
            counts.Add(bucket.BucketCount);
            if (double.IsFinite(bucket.ExplicitBound)) bounds.Add(bucket.ExplicitBound);
        }
        writer.WriteStartArray("bucketCounts");
        foreach (var count in counts) writer.WriteStringValue(count.ToString(System.Globalization.CultureInfo.InvariantCulture));
        writer.WriteEndArray();
        writer.WriteStartArray("explicitBounds");
        foreach (var bound in bounds) writer.WriteNumberValue(bound);
        writer.WriteEndArray();
    }
}
