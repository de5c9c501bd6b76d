using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Telemetry.Export;
using OpenTelemetry.Exporter;

namespace LeapAlign.Host.Tests.Telemetry;

/// <summary>Where telemetry goes: nowhere by default.</summary>
public sealed class ExportPlanTests
{
    private static readonly SignalPlan s_nowhere = new(false, false, false), s_otlp = new(true, false, false);

    [Fact]
    public void Without_a_word_it_goes_nowhere() => Assert.False(Of(new()).Any);

    [Fact]
    public void The_variable_of_an_endpoint_turns_its_signals_on()
    {
        Assert.Equal(new ExportPlan(s_otlp, s_otlp, s_otlp), Of(new(), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://here:4317")));
        Assert.Equal(new ExportPlan(s_nowhere, s_otlp, s_nowhere), Of(new(), ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://here:4317")));
    }

    [Fact]
    public void The_variables_of_exporters_are_heard()
    {
        var plan = Of(new(), ("OTEL_TRACES_EXPORTER", "otlp, console"), ("OTEL_LOGS_EXPORTER", "none"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://here:4317"), ("OTEL_METRICS_EXPORTER", "console"));
        Assert.Equal(new ExportPlan(new(true, true, false), new(false, true, false), s_nowhere), plan);
    }

    [Fact]
    public void Settings_add_and_none_takes_away()
    {
        Assert.Equal(new ExportPlan(new(true, true, true), new(true, true, true), s_nowhere), Of(new() { Otlp = true, Console = true, File = true, Logs = false }));
        Assert.Equal(s_nowhere, Of(new() { Otlp = true }, ("OTEL_TRACES_EXPORTER", "none")).Traces);
        Assert.False(Of(new() { Otlp = true, File = true }, ("OTEL_SDK_DISABLED", "true")).Any);
    }

    [Theory]
    [InlineData("grpc", "http://here:4317", "http://here:4317/")]
    [InlineData("http/protobuf", "http://here:4318", "http://here:4318/v1/traces")]
    [InlineData("http/protobuf", "http://here:4318/base/", "http://here:4318/base/v1/traces")]
    public void An_endpoint_of_plugins_json_is_a_base(string protocol, string endpoint, string expected)
    {
        using var watch = new DeliveryWatch(static _ => { }, TimeProvider.System);
        var options = new OtlpExporterOptions();
        new OtlpTarget(new() { Protocol = protocol, Endpoint = endpoint }, static name => name == "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" ? "http://there" : null, watch).Apply(options, "traces");
        Assert.Equal(new Uri(expected), options.Endpoint);
        Assert.Equal(protocol == "grpc" ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf, options.Protocol);
    }

    [Fact]
    public void The_variables_of_a_signal_are_its_own()
    {
        using var watch = new DeliveryWatch(static _ => { }, TimeProvider.System);
        var options = new OtlpExporterOptions();
        var variables = new Dictionary<string, string>
        {
            ["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"] = "http://logs:9/in",
            ["OTEL_EXPORTER_OTLP_LOGS_PROTOCOL"] = "http/protobuf",
            ["OTEL_EXPORTER_OTLP_LOGS_HEADERS"] = "token=1",
            ["OTEL_EXPORTER_OTLP_LOGS_TIMEOUT"] = "1234",
            ["OTEL_EXPORTER_OTLP_LOGS_COMPRESSION"] = "gzip",
            ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = "http://traces:9",
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://all:9",
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc",
            ["OTEL_EXPORTER_OTLP_HEADERS"] = "token=2,",
            ["OTEL_EXPORTER_OTLP_TIMEOUT"] = "77",
        };
        new OtlpTarget(new(), variables.GetValueOrDefault, watch).Apply(options, "logs");
        Assert.Equal((new Uri("http://logs:9/in"), OtlpExportProtocol.HttpProtobuf, "token=1", 1234), (options.Endpoint, options.Protocol, options.Headers, options.TimeoutMilliseconds));
        Assert.Equal(OtlpExportCompression.GZip, options.Compression);
        new OtlpTarget(new(), variables.GetValueOrDefault, watch).Apply(options = new(), "metrics");
        Assert.Equal((new Uri("http://all:9"), OtlpExportProtocol.Grpc, "token=2", 77), (options.Endpoint, options.Protocol, options.Headers, options.TimeoutMilliseconds));
    }

    private static ExportPlan Of(TelemetrySettings settings, params (string Name, string Value)[] variables) =>
        ExportPlan.Of(settings, name => variables.FirstOrDefault(pair => pair.Name == name).Value);
}
