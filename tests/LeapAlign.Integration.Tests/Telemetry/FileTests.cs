using System.Text.Json.Nodes;
using Google.Protobuf;
using LeapAlign.Host.Telemetry.Schema;
using LeapAlign.Integration.Tests.Telemetry.Receivers.Otlp;

namespace LeapAlign.Integration.Tests.Telemetry;

/// <summary>telemetry.jsonl in the run folder, and the terminal.</summary>
public sealed class FileTests : IDisposable
{
    private readonly Workspace _workspace = new();

    [Fact]
    public void The_file_holds_otlp_messages_of_all_three_signals_and_only_the_steps_that_are_kept()
    {
        var outcome = _workspace.Leapalign("train", "--set", "run.steps=4", "--set", "run.clipNorm=1", "--set", "telemetry.file=true", "--set", "telemetry.every=3");
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        var lines = File.ReadAllLines(_workspace.At("runs", "small", "telemetry.jsonl"));
        // The parser refuses what the published schema does not have.
        var parser = new JsonParser(JsonParser.Settings.Default.WithIgnoreUnknownFields(false));
        var spans = lines.Where(static line => line.StartsWith("{\"resourceSpans\"", StringComparison.Ordinal)).SelectMany(line => parser.Parse<TracesMessage>(line).ResourceSpans)
            .SelectMany(static resource => resource.ScopeSpans).SelectMany(static scope => scope.Spans).ToList();
        var metrics = lines.Where(static line => line.StartsWith("{\"resourceMetrics\"", StringComparison.Ordinal)).SelectMany(line => parser.Parse<MetricsMessage>(line).ResourceMetrics)
            .SelectMany(static resource => resource.ScopeMetrics).SelectMany(static scope => scope.Metrics).ToList();
        var logs = lines.Where(static line => line.StartsWith("{\"resourceLogs\"", StringComparison.Ordinal)).SelectMany(line => parser.Parse<LogsMessage>(line).ResourceLogs)
            .SelectMany(static resource => resource.ScopeLogs).SelectMany(static scope => scope.LogRecords).ToList();
        Assert.Equal([1, 4], spans.Where(static span => span.Name == SpanSchema.Step.Name).Select(static span => span.Attributes.Single(static pair => pair.Key == Tags.Step.Name).Value.IntValue).Order());
        Assert.Equal(2, spans.Count(static span => span.Name == SpanSchema.Backward.Name));
        Assert.Equal(5, spans.Count(static span => span.Name == SpanSchema.Evaluate.Name));
        Assert.Contains(logs, static log => log.Body.StringValue.StartsWith("evaluation after step 4", StringComparison.Ordinal));

        // Metrics are of every step, and equal metrics.jsonl.
        var steps = metrics.Last(static metric => metric.Name == MetricSchema.Steps.Name);
        Assert.Equal(4, Assert.Single(steps.Sum.DataPoints).AsDouble);
        var last = JsonNode.Parse(File.ReadLines(_workspace.At("runs", "small", "metrics.jsonl")).Last(static line => line.Contains("\"kind\":\"step\"", StringComparison.Ordinal)))!;
        Assert.Equal((double)last["loss"]!, Assert.Single(metrics.Last(static metric => metric.Name == MetricSchema.Loss.Name).Gauge.DataPoints).AsDouble);
        Assert.Equal((double)last["gradientNorm"]! > 1 ? 1 : 0, Assert.Single(metrics.Last(static metric => metric.Name == MetricSchema.Clipped.Name).Gauge.DataPoints).AsDouble);
        var durations = metrics.Last(static metric => metric.Name == MetricSchema.StepDuration.Name).Histogram.DataPoints;
        Assert.Equal(4UL, Assert.Single(durations).Count);
        Assert.Equal(4UL, durations[0].BucketCounts.Aggregate(0UL, static (sum, count) => sum + count));
        Assert.Equal(durations[0].ExplicitBounds.Count + 1, durations[0].BucketCounts.Count);
    }

    [Fact]
    public void The_terminal_shows_what_no_receiver_is_needed_for()
    {
        var outcome = _workspace.Leapalign("train", "--set", "run.steps=1", "--set", "evaluation.every=-1", "--set", "telemetry.console=true");
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        foreach (var words in new[] { "anchor k", MetricSchema.Reward.Name, ResourceSchema.LibTorch.Name }) Assert.Contains(words, outcome.Output + outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_ends_with_a_fault_says_so_in_its_spans_and_its_log()
    {
        // A reward that needs to know what a caption asks for, and captions that do not say.
        _workspace.Json["rewards"]!.AsArray().Add(new JsonObject { ["id"] = "geneval-shapes", ["role"] = "heldOut" });
        _workspace.Save();
        var outcome = _workspace.Leapalign("train", "--set", "telemetry.file=true");
        Assert.Equal(5, outcome.ExitCode);
        var file = File.ReadAllText(_workspace.At("runs", "small", "telemetry.jsonl"));
        Assert.Contains("\"exception.type\",\"value\":{\"stringValue\":\"LA4012\"}", file, StringComparison.Ordinal);
        Assert.Contains("\"severityText\":\"Error\",\"body\":{\"stringValue\":\"LA4012:", file, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_word_nothing_is_written_and_a_wrong_section_is_a_fault()
    {
        var outcome = _workspace.Leapalign("train", "--set", "run.steps=1", "--set", "evaluation.every=-1");
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        Assert.False(File.Exists(_workspace.At("runs", "small", "telemetry.jsonl")));
        Assert.True(File.Exists(_workspace.At("runs", "small", "metrics.jsonl")));
        var wrong = _workspace.Leapalign("train", "--set", "telemetry.protocol=\"http\"");
        Assert.Equal(2, wrong.ExitCode);
        Assert.Contains("error LA1008: --set telemetry.protocol:", wrong.Error, StringComparison.Ordinal);
    }

    public void Dispose() => _workspace.Dispose();
}
