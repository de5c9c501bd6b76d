using LeapAlign.Integration.Tests.Telemetry.Receivers;

namespace LeapAlign.Integration.Tests.Telemetry;

/// <summary>A run whose OTLP environment has a slip: one warning, and the run is made.</summary>
public sealed class EnvironmentSlipTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public async Task Every_slip_of_one_environment_is_one_warning_and_nothing_is_sent()
    {
        await using var receiver = await OtlpReceiver.Start();
        string[] slips =
        [
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS=foo", $"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT={new Uri(receiver.Address("http/protobuf")).Authority}", "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL=http/json",
            "OTEL_BSP_MAX_QUEUE_SIZE=many", "OTEL_METRIC_EXPORT_INTERVAL=-5", "OTEL_EXPORTER_ZIPKIN_ENDPOINT=http://here",
        ];
        var outcome = _workspace.Leapalign(
            [$"OTEL_EXPORTER_OTLP_ENDPOINT={receiver.Address("http/protobuf")}", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", .. slips], ["train", "--set", "run.steps=1", "--set", "evaluation.every=-1"]);
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        var warnings = outcome.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(slips.Length, warnings.Length);
        Assert.All(slips, slip => Assert.Single(warnings, line => line.StartsWith($"warning LA1012: telemetry: the environment variable {slip.Split('=')[0]} ", StringComparison.Ordinal)));
        Assert.Empty(receiver.TakenTraces);
        Assert.Empty(receiver.TakenMetrics);
        Assert.Empty(receiver.TakenLogs);
    }
}
