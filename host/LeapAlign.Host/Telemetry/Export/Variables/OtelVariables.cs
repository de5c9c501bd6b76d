namespace LeapAlign.Host.Telemetry.Export.Variables;

/// <summary>The variables that OpenTelemetry defines, as far as they matter to a program like this, and what each can hold.</summary>
internal static class OtelVariables
{
    public const string Disabled = "OTEL_SDK_DISABLED", Queue = "OTEL_BSP_MAX_QUEUE_SIZE", Batch = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE";

    public const string LogQueue = "OTEL_BLRP_MAX_QUEUE_SIZE", LogBatch = "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE";

    // The SDK has the memory of a whole queue from the beginning.
    private const int LongestQueue = 1_000_000;

    /// <summary>What the variables of OTLP begin with; the name of a signal may follow.</summary>
    public const string Otlp = "OTEL_EXPORTER_OTLP_";

    /// <summary>The signals.</summary>
    public static IReadOnlyList<string> Signals { get; } = ["TRACES", "METRICS", "LOGS"];

    /// <summary>Where telemetry goes.</summary>
    public static IReadOnlyDictionary<string, Check> Exporters { get; } = Signals.ToDictionary(static signal => $"OTEL_{signal}_EXPORTER", static _ => Checks.Words("otlp", "console", "none"));

    /// <summary>How OTLP is sent, by what follows <see cref="Otlp"/>: a slip in one leaves open where data would go, or how.</summary>
    public static IReadOnlyDictionary<string, Check> Transport { get; } = new Dictionary<string, Check>
    {
        ["ENDPOINT"] = Checks.Address,
        ["PROTOCOL"] = Checks.Word("grpc", "http/protobuf"),
        ["HEADERS"] = Checks.Headers,
        ["COMPRESSION"] = Checks.Word("gzip", "none"),
        ["CERTIFICATE"] = Certificates.Authorities,
        ["CLIENT_CERTIFICATE"] = Checks.Anything,
        ["CLIENT_KEY"] = Checks.Anything,
    };

    /// <summary>How much, how often and how long: a slip in one takes the default.</summary>
    public static IReadOnlyDictionary<string, Check> Tuning { get; } = new Dictionary<string, Check>
    {
        ["OTEL_SERVICE_NAME"] = Checks.Anything,
        ["OTEL_RESOURCE_ATTRIBUTES"] = Checks.Attributes,
        ["OTEL_TRACES_SAMPLER"] = Checks.Word("always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"),
        ["OTEL_TRACES_SAMPLER_ARG"] = Checks.Share,
        ["OTEL_METRICS_EXEMPLAR_FILTER"] = Checks.Word("always_on", "always_off", "trace_based"),
        ["OTEL_METRIC_EXPORT_INTERVAL"] = Checks.Number(1),
        ["OTEL_METRIC_EXPORT_TIMEOUT"] = Checks.Number(0),
        [$"{Otlp}METRICS_TEMPORALITY_PREFERENCE"] = Checks.Word("cumulative", "delta", "lowmemory"),
        [$"{Otlp}METRICS_DEFAULT_HISTOGRAM_AGGREGATION"] = Checks.Word("explicit_bucket_histogram", "base2_exponential_bucket_histogram"),
        // The end of a run would wait for attempts, and for files of runs before it.
        ["OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY"] = Checks.NoEffect,
        ["OTEL_DOTNET_EXPERIMENTAL_OTLP_DISK_RETRY_DIRECTORY_PATH"] = Checks.NoEffect,
        ["OTEL_DOTNET_EXPERIMENTAL_OTLP_EMIT_EVENT_LOG_ATTRIBUTES"] = Checks.Word("true", "false"),
        ["OTEL_BSP_SCHEDULE_DELAY"] = Checks.Number(1),
        ["OTEL_BSP_EXPORT_TIMEOUT"] = Checks.Number(0),
        [Queue] = Checks.Number(1, LongestQueue),
        [Batch] = Checks.Number(1, LongestQueue),
        ["OTEL_BLRP_SCHEDULE_DELAY"] = Checks.Number(1),
        ["OTEL_BLRP_EXPORT_TIMEOUT"] = Checks.Number(0),
        [LogQueue] = Checks.Number(1, LongestQueue),
        [LogBatch] = Checks.Number(1, LongestQueue),
        ["OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"] = Checks.Number(0),
        ["OTEL_ATTRIBUTE_COUNT_LIMIT"] = Checks.Number(0),
        ["OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT"] = Checks.Number(0),
        ["OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"] = Checks.Number(0),
        ["OTEL_SPAN_EVENT_COUNT_LIMIT"] = Checks.Number(0),
        ["OTEL_SPAN_LINK_COUNT_LIMIT"] = Checks.Number(0),
        ["OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT"] = Checks.Number(0),
        ["OTEL_LINK_ATTRIBUTE_COUNT_LIMIT"] = Checks.Number(0),
        ["OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT"] = Checks.Number(0),
        ["OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT"] = Checks.Number(0),
        // The contexts of requests are those of the W3C, whatever is named; other formats are not written.
        ["OTEL_PROPAGATORS"] = Checks.Words("tracecontext", "baggage", "none"),
    };

    /// <summary>The time that one export may take, by what follows <see cref="Otlp"/>; a slip takes the default.</summary>
    public static Check Timeout { get; } = Checks.Number(1);

    // Of programs with other languages and of agents, which share the environment.
    private static readonly string[] s_others =
        ["OTEL_DOTNET_", "OTEL_JAVA", "OTEL_PYTHON_", "OTEL_NODE_", "OTEL_GO_", "OTEL_PHP_", "OTEL_RUBY_", "OTEL_CPP_", "OTEL_RUST_", "OTEL_INSTRUMENTATION_", "OTEL_SEMCONV_", "OTEL_OPERATOR_", "OTEL_INJECTOR_", "OTEL_EBPF_"];

    /// <summary>Every name that has an effect.</summary>
    public static IEnumerable<string> Heard =>
        [Disabled, .. Exporters.Keys, .. Tuning.Keys, .. Transport.Keys.Append("TIMEOUT").SelectMany(static key => Signals.Select(signal => $"{Otlp}{signal}_{key}").Prepend($"{Otlp}{key}"))];

    /// <summary>Whether a name is OpenTelemetry's, and not that of a program of another kind.</summary>
    public static bool IsGeneral(string name) => name.StartsWith("OTEL_", StringComparison.Ordinal) && !s_others.Any(other => name.StartsWith(other, StringComparison.Ordinal));
}
