using LeapAlign.Host.Telemetry.Schema;
using LeapAlign.Integration.Tests.Telemetry.Receivers;
using LeapAlign.Integration.Tests.Telemetry.Receivers.Otlp;

namespace LeapAlign.Integration.Tests.Telemetry;

/// <summary>What the schema says is what a receiver gets, over both protocols: nothing less and nothing else.</summary>
public sealed class SchemaArrivesTests
{
    [Theory]
    [InlineData("grpc", false)]
    [InlineData("http/protobuf", true)]
    public async Task Every_span_metric_and_attribute_of_the_schema_arrives(string protocol, bool byFile)
    {
        await using var receiver = await OtlpReceiver.Start();
        string[] variables = byFile ? [] : [$"OTEL_EXPORTER_OTLP_ENDPOINT={receiver.Address(protocol)}", $"OTEL_EXPORTER_OTLP_PROTOCOL={protocol}"];
        string[] settings = byFile ? ["--set", "telemetry.otlp=true", "--set", $"telemetry.endpoint={receiver.Address(protocol)}", "--set", $"telemetry.protocol={protocol}"] : [];
        TelemetryRuns.Everything("leapalign-test", variables, settings);
        Spans(receiver);
        Metrics(receiver);
        Logs(receiver);
    }

    private static void Spans(OtlpReceiver receiver)
    {
        var spans = receiver.TakenTraces.SelectMany(static message => message.ResourceSpans).SelectMany(static resource => resource.ScopeSpans)
            .SelectMany(static scope => scope.Spans.Select(span => (Scope: scope.Scope.Name, Span: span))).ToList();
        Assert.Equal(TelemetryRuns.Schema.Select(static span => span.Name).Order(StringComparer.Ordinal), spans.Select(static span => span.Span.Name).Distinct().Order(StringComparer.Ordinal));
        string[] own = [.. TelemetryRuns.Schema.Except(SpanSchema.All).Select(static span => span.Name)];
        foreach (var definition in TelemetryRuns.Schema)
        {
            var found = spans.Where(span => span.Span.Name == definition.Name).ToList();
            Assert.All(found, span => Assert.Matches($"^{definition.Source.Replace("<", "(?<", StringComparison.Ordinal).Replace(">", ">.+)", StringComparison.Ordinal)}$", span.Scope));
            Attributes(definition.Name, definition.Attributes, found.SelectMany(static span => span.Span.Attributes));
            var parents = found.Where(static span => span.Span.ParentSpanId.Length > 0).Select(span => spans.Single(other => other.Span.SpanId == span.Span.ParentSpanId).Span.Name).Distinct();
            Assert.Subset(definition.Parent.Split(", ").SelectMany(parent => parent == SpanSchema.OfParts ? own : [parent]).ToHashSet(), parents.ToHashSet());
        }
        // One span for each reward, the held-out one of the evaluation too.
        Assert.Equal(
            ["judge", "reward"],
            spans.Where(static span => span.Span.Name == SpanSchema.Score.Name).SelectMany(static span => span.Span.Attributes).Select(static pair => pair.Value.StringValue).Distinct().Order(StringComparer.Ordinal));
        var events = spans.SelectMany(static span => span.Span.Events).ToList();
        Assert.All(events, static happened => Assert.Equal(SpanSchema.Velocity.Name, happened.Name));
        Attributes("event", [Tags.Sigma, Tags.Gradient, Tags.Evaluations, Tags.Seconds], events.SelectMany(static happened => happened.Attributes));
        foreach (var resource in receiver.TakenTraces.SelectMany(static message => message.ResourceSpans).Select(static resources => resources.Resource)) Resource(resource);
    }

    private static void Metrics(OtlpReceiver receiver)
    {
        var metrics = receiver.TakenMetrics.SelectMany(static message => message.ResourceMetrics).SelectMany(static resource => resource.ScopeMetrics)
            .SelectMany(static scope => scope.Metrics.Select(metric => (Scope: scope.Scope.Name, Metric: metric))).ToList();
        Assert.Equal(
            MetricSchema.OfEveryRun.Select(static metric => metric.Name).Order(StringComparer.Ordinal),
            metrics.Where(static metric => metric.Scope != SourceNames.Runtime).Select(static metric => metric.Metric.Name).Distinct().Order(StringComparer.Ordinal));
        foreach (var definition in MetricSchema.OfEveryRun.Concat(MetricSchema.Runtime))
        {
            var found = metrics.Where(metric => metric.Metric.Name == definition.Name).ToList();
            Assert.NotEmpty(found);
            Assert.All(found, metric =>
            {
                Assert.Equal(definition.Unit, metric.Metric.Unit);
                Assert.Equal(definition.Kind, Kind(metric.Metric));
                Assert.Matches($"^{definition.Meter.Replace("<id>", ".+", StringComparison.Ordinal)}$", metric.Scope);
            });
            if (definition.Meter != SourceNames.Runtime) Attributes(definition.Name, definition.Attributes, found.SelectMany(static metric => Points(metric.Metric)));
        }
        // One meter for each plugin that works.
        Assert.Superset(new HashSet<string>(["sd3", "clip", "flow-euler", "adamw"]), metrics.Select(static metric => metric.Scope.Split('.')[^1]).ToHashSet());
    }

    private static void Logs(OtlpReceiver receiver)
    {
        var logs = receiver.TakenLogs.SelectMany(static message => message.ResourceLogs).SelectMany(static resource => resource.ScopeLogs).SelectMany(static scope => scope.LogRecords).ToList();
        var spans = receiver.TakenTraces.SelectMany(static message => message.ResourceSpans).SelectMany(static resource => resource.ScopeSpans).SelectMany(static scope => scope.Spans).ToList();
        Assert.Contains(logs, static log => log.Body.StringValue.StartsWith("evaluation after step 1", StringComparison.Ordinal));
        Assert.All(logs, log => Assert.Contains(spans, span => span.SpanId == log.SpanId && span.TraceId == log.TraceId));
    }

    private static void Resource(Resource resource)
    {
        Assert.Superset(ResourceSchema.All.Where(static attribute => attribute != ResourceSchema.Rank).Select(static attribute => attribute.Name).ToHashSet(), resource.Attributes.Select(static attribute => attribute.Key).ToHashSet());
        string Value(AttributeDefinition attribute) => resource.Attributes.Single(pair => pair.Key == attribute.Name).Value.StringValue;
        Assert.Equal("leapalign-test", Value(ResourceSchema.Service));
        Assert.StartsWith(Value(ResourceSchema.LibTorch), TorchSharp.torch.__version__, StringComparison.Ordinal);
        Assert.Matches("^[0-9a-f]{64}$", Value(ResourceSchema.ConfigHash));
        Assert.Matches("^[0-9a-f]{40}$", Value(ResourceSchema.Commit));
    }

    /// <summary>Attributes are those of the schema, and each of them comes; an error is there only where something failed.</summary>
    private static void Attributes(string owner, IEnumerable<AttributeDefinition> defined, IEnumerable<KeyValue> found)
    {
        var definitions = defined.ToDictionary(static attribute => attribute.Name, static attribute => attribute.Type);
        var seen = found.Select(pair => (Name: definitions.ContainsKey(pair.Key) ? pair.Key : Template(pair.Key), Type(pair.Value))).Distinct().ToList();
        Assert.All(seen, attribute => Assert.True(definitions.TryGetValue(attribute.Name, out var type) && type == attribute.Item2, $"{owner} carries {attribute}, which the schema does not have"));
        Assert.All(definitions.Keys.Where(static name => name != Tags.Error.Name), name => Assert.True(seen.Exists(attribute => attribute.Name == name), $"{owner} never carried {name}"));
    }

    private static string Template(string name) => name.StartsWith("leapalign.measurement.", StringComparison.Ordinal) ? Tags.Measured.Name : name;

    private static string Type(Value value) => value.ValueCase switch
    {
        Value.ValueOneofCase.StringValue => "string",
        Value.ValueOneofCase.BoolValue => "boolean",
        Value.ValueOneofCase.IntValue => "int",
        Value.ValueOneofCase.DoubleValue => "double",
        _ => "nothing",
    };

    private static InstrumentKind Kind(Metric metric) => metric.DataCase switch
    {
        Metric.DataOneofCase.Histogram => InstrumentKind.Histogram,
        Metric.DataOneofCase.Gauge => InstrumentKind.Gauge,
        _ => metric.Sum.IsMonotonic ? InstrumentKind.Counter : InstrumentKind.UpDownCounter,
    };

    private static IEnumerable<KeyValue> Points(Metric metric) => metric.DataCase switch
    {
        Metric.DataOneofCase.Histogram => metric.Histogram.DataPoints.SelectMany(static point => point.Attributes),
        Metric.DataOneofCase.Gauge => metric.Gauge.DataPoints.SelectMany(static point => point.Attributes),
        _ => metric.Sum.DataPoints.SelectMany(static point => point.Attributes),
    };
}
