using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Telemetry.Export;
using LeapAlign.Host.Telemetry.Export.Variables;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Telemetry;

/// <summary>Variables of OpenTelemetry: each has its effect, or is one warning that names it.</summary>
public sealed class OtelEnvironmentTests
{
    private const string Here = "http://here:4317";

    private static readonly SignalPlan s_nowhere = new(false, false, false), s_otlp = new(true, false, false);

    public static TheoryData<string, string> Bad
    {
        get
        {
            var bad = new TheoryData<string, string>();
            foreach (var signal in new[] { "", "TRACES_", "METRICS_", "LOGS_" })
            {
                foreach (var value in new[] { "localhost:4901", "127.0.0.1:4901", "/v1/traces", "ftp://here", "http://", "here" }) bad.Add($"OTEL_EXPORTER_OTLP_{signal}ENDPOINT", value);
                foreach (var value in new[] { "http/json", "GRPCS", "http", " grpc" }) bad.Add($"OTEL_EXPORTER_OTLP_{signal}PROTOCOL", value);
                foreach (var value in new[] { "foo", "a=b,foo", "=b", "a b=c", "a=größe", "a=b%0Ac", "Content-Type=x" }) bad.Add($"OTEL_EXPORTER_OTLP_{signal}HEADERS", value);
                foreach (var value in new[] { "zip", "deflate" }) bad.Add($"OTEL_EXPORTER_OTLP_{signal}COMPRESSION", value);
                foreach (var value in new[] { "ten", "-1", "0", "1.5", "99999999999" }) bad.Add($"OTEL_EXPORTER_OTLP_{signal}TIMEOUT", value);
                bad.Add($"OTEL_EXPORTER_OTLP_{signal}CERTIFICATE", "/nowhere/ca.pem");
                bad.Add($"OTEL_EXPORTER_OTLP_{signal}CLIENT_CERTIFICATE", "/nowhere/me.pem");
                bad.Add($"OTEL_EXPORTER_OTLP_{signal}CLIENT_KEY", "/nowhere/me.key");
            }
            foreach (var (name, check) in OtelVariables.Tuning.Where(static pair => pair.Value != Checks.Anything))
            {
                bad.Add(name, "no such thing");
                if (check != Checks.NoEffect) bad.Add(name, "-1");
            }
            foreach (var signal in OtelVariables.Signals) bad.Add($"OTEL_{signal}_EXPORTER", "zipkin");
            bad.Add("OTEL_SDK_DISABLED", "yes");
            bad.Add("OTEL_EXPORTER_ZIPKIN_ENDPOINT", Here);
            bad.Add("OTEL_EXPORTER_OTLP_ENDPONT", Here);
            bad.Add("OTEL_EXPORTER_OTLP_INSECURE", "true");
            bad.Add("OTEL_LOG_LEVEL", "debug");
            bad.Add("OTEL_PROPAGATORS", "b3");
            return bad;
        }
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public void A_slip_is_one_warning_that_names_the_variable(string name, string value)
    {
        var environment = Of(("OTEL_EXPORTER_OTLP_ENDPOINT", Here), (name, value));
        environment.Plan(new());
        var warning = Assert.Single(environment.Slips);
        Assert.Equal(FaultCodes.VariableNotUsable, warning.Code);
        Assert.Contains($"the environment variable {name} ", warning.Message, StringComparison.Ordinal);
        // Headers hold secrets.
        Assert.Equal(!name.EndsWith("HEADERS", StringComparison.Ordinal), warning.Message.Contains($"'{value}'", StringComparison.Ordinal));
        Assert.Contains("the run goes on", warning.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(KeyValuePair.Create(name, (string?)value), environment.ForSdk);
    }

    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4317", false, false, false)]
    [InlineData("OTEL_EXPORTER_OTLP_HEADERS", "foo", false, false, false)]
    [InlineData("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", false, false, false)]
    [InlineData("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/json", true, false, true)]
    [InlineData("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "here:1", true, true, false)]
    [InlineData("OTEL_TRACES_EXPORTER", "zipkin", false, true, true)]
    [InlineData("OTEL_EXPORTER_OTLP_TIMEOUT", "soon", true, true, true)]
    [InlineData("OTEL_BSP_MAX_QUEUE_SIZE", "0", true, true, true)]
    public void What_was_meant_elsewhere_is_not_sent(string name, string value, bool traces, bool metrics, bool logs)
    {
        var plan = Of(("OTEL_EXPORTER_OTLP_ENDPOINT", Here), (name, value)).Plan(new());
        Assert.Equal(new ExportPlan(traces ? s_otlp : s_nowhere, metrics ? s_otlp : s_nowhere, logs ? s_otlp : s_nowhere), plan);
    }

    [Fact]
    public void Sound_variables_are_no_warning_and_reach_the_sdk()
    {
        var environment = Of(
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://user:secret@here/base/"), ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc, x=1,"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "2000"), ("OTEL_TRACES_EXPORTER", "otlp,console"), ("OTEL_TRACES_SAMPLER", "traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"), ("OTEL_RESOURCE_ATTRIBUTES", "a=b,c=d%20e"), ("OTEL_SERVICE_NAME", "any name"), ("OTEL_PROPAGATORS", "tracecontext,baggage"), ("OTEL_SDK_DISABLED", "false"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "500"), ("OTEL_PYTHON_LOG_LEVEL", "info"), ("OTEL_LOGS_EXPORTER", ""), ("PATH", "x"));
        Assert.True(environment.Plan(new()).Traces.Otlp);
        Assert.Empty(environment.Slips);
        Assert.Equal(
            ["OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "OTEL_METRIC_EXPORT_INTERVAL", "OTEL_PROPAGATORS", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_SERVICE_NAME", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"],
            environment.ForSdk.Select(static pair => pair.Key).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Plugins_json_goes_before_a_slip()
    {
        var environment = Of(("OTEL_EXPORTER_OTLP_ENDPOINT", "nowhere"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "pigeon"));
        Assert.Equal(s_otlp, environment.Plan(new() { Otlp = true, Endpoint = Here, Protocol = "grpc" }).Traces);
        Assert.Empty(environment.Slips);
    }

    [Fact]
    public void Where_telemetry_is_off_only_what_would_turn_it_on_is_looked_at()
    {
        var off = Of(("OTEL_BSP_SCHEDULE_DELAY", "soon"), ("OTEL_EXPORTER_OTLP_HEADERS", "foo"));
        Assert.False(off.Plan(new()).Any);
        Assert.Empty(off.Slips);
        var disabled = Of(("OTEL_SDK_DISABLED", "TRUE"), ("OTEL_TRACES_EXPORTER", "zipkin"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "nowhere"));
        Assert.False(disabled.Plan(new() { Otlp = true }).Any);
        Assert.Empty(disabled.Slips);
    }

    [Theory]
    [InlineData("100", null, "100", 0)]
    [InlineData("100", "200", "100", 1)]
    [InlineData(null, "4096", "2048", 1)]
    [InlineData("4096", "4096", "4096", 0)]
    [InlineData(null, null, "512", 0)]
    public void A_batch_fits_its_queue(string? queue, string? batch, string taken, int warnings)
    {
        foreach (var kind in new[] { "BSP", "BLRP" })
        {
            var environment = Of(("OTEL_EXPORTER_OTLP_ENDPOINT", Here), ($"OTEL_{kind}_MAX_QUEUE_SIZE", queue ?? ""), ($"OTEL_{kind}_MAX_EXPORT_BATCH_SIZE", batch ?? ""));
            environment.Plan(new());
            Assert.Equal(taken, environment.Value($"OTEL_{kind}_MAX_EXPORT_BATCH_SIZE"));
            Assert.Equal(warnings, environment.Slips.Count);
        }
    }

    [Fact]
    public void A_password_in_an_address_is_not_shown()
    {
        var environment = Of(("OTEL_EXPORTER_OTLP_ENDPOINT", "tcp://me:secret@here:4317"));
        environment.Plan(new());
        Assert.DoesNotContain("secret", Assert.Single(environment.Slips).Message, StringComparison.Ordinal);
        Assert.Contains("@here:4317", environment.Slips[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_table_lets_through_the_sdk_takes()
    {
        var values = new Dictionary<string, string[]>();
        foreach (var (name, check) in OtelVariables.Tuning.Where(static pair => pair.Value != Checks.NoEffect))
        {
            values[name] = [.. new[] { "1", "0", "1000000", "2147483647", "true", "false", "always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio", "trace_based", "cumulative", "delta", "lowmemory", "explicit_bucket_histogram", "base2_exponential_bucket_histogram", "a=b,c", "a=%", "tracecontext" }.Where(value => check(value) is null)];
            Assert.NotEmpty(values[name]);
        }
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        var source = LeapAlign.Host.Configuration.ConfigurationFile.Read(workspace.Config, []).Value();
        for (var round = 0; round < values.Values.Max(static words => words.Length); round++)
        {
            var environment = Of([.. values.Select(pair => (pair.Key, pair.Value[Math.Min(round, pair.Value.Length - 1)])), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")]);
            var settings = new TelemetrySettings();
            var plan = environment.Plan(settings);
            Assert.True(plan.Any);
            using var session = TelemetrySession.Start(source, settings, (plan, environment), static _ => { }, TimeProvider.System);
        }
    }

    private static OtelEnvironment Of(params (string Name, string Value)[] variables)
    {
        // The later one wins, so that a slip can take the place of what is sound.
        var all = new Dictionary<string, string>();
        foreach (var (name, value) in variables) all[name] = value;
        return new OtelEnvironment(all);
    }
}
