using System.Diagnostics.Metrics;
using LeapAlign.Host.Telemetry.Schema;

namespace LeapAlign.Host.Telemetry.Measures;

/// <summary>Instruments as the schema defines them.</summary>
internal static class Instruments
{
    // From a call of a small part to a step of hours: the SDK's own bounds are meant for milliseconds.
    private static readonly InstrumentAdvice<double> s_seconds = new()
    {
        HistogramBucketBoundaries = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 300, 1800],
    };

    extension(Meter meter)
    {
        public Gauge<double> Gauge(MetricDefinition metric) => meter.CreateGauge<double>(metric.Name, metric.Unit, metric.Meaning);

        public Counter<double> Counter(MetricDefinition metric) => meter.CreateCounter<double>(metric.Name, metric.Unit, metric.Meaning);

        public Histogram<double> Histogram(MetricDefinition metric) => meter.CreateHistogram(metric.Name, metric.Unit, metric.Meaning, advice: s_seconds);

        public void Observed(MetricDefinition metric, Func<long> read) => meter.CreateObservableUpDownCounter(metric.Name, read, metric.Unit, metric.Meaning);
    }
}
