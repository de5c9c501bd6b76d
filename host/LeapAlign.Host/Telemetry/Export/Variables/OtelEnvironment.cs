using System.Collections;
using System.Globalization;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Pipeline;
using Quickenshtein;

namespace LeapAlign.Host.Telemetry.Export.Variables;

/// <summary>
/// The variables of OpenTelemetry that this process was started with. Each has its effect or is one warning that names it and its value: none ends a run. A slip in
/// where or how telemetry is sent sends nothing, because what was meant is not known; a slip in a number takes the default.
/// </summary>
internal sealed class OtelEnvironment
{
    private const int UsualQueue = 2048, UsualBatch = 512;
    private readonly Dictionary<string, string> _values;
    private readonly List<Fault> _slips = [];

    /// <summary>Reads variables.</summary>
    /// <param name="variables">All of the process; those that are empty count as absent, as the specification says.</param>
    public OtelEnvironment(IEnumerable<KeyValuePair<string, string>> variables) =>
        _values = variables.Where(static pair => pair.Key.StartsWith("OTEL_", StringComparison.Ordinal) && pair.Value.Length > 0).ToDictionary(StringComparer.Ordinal);

    /// <summary>The variables of this process.</summary>
    public static OtelEnvironment Current => new(Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(static entry => KeyValuePair.Create((string)entry.Key, (string?)entry.Value ?? "")));

    /// <summary>A warning for each variable that does not have the effect that it was set for.</summary>
    public IReadOnlyList<Fault> Slips => _slips;

    /// <summary>What the SDK may read: what is sound, without where and how OTLP is sent, which <see cref="OtlpTarget"/> says.</summary>
    public IEnumerable<KeyValuePair<string, string?>> ForSdk => _values.Where(static pair => OtelVariables.Tuning.ContainsKey(pair.Key)).Select(static pair => KeyValuePair.Create(pair.Key, (string?)pair.Value));

    /// <summary>The value of a variable; null when it is absent, or was a slip.</summary>
    public string? Value(string name) => _values.GetValueOrDefault(name);

    /// <summary>Looks at every variable that has to do with a plan.</summary>
    /// <param name="settings">The section of plugins.json, which goes before the environment.</param>
    /// <returns>The plan, without what cannot be sent as it was meant.</returns>
    public ExportPlan Plan(TelemetrySettings settings)
    {
        Look(OtelVariables.Disabled, Checks.Word("true", "false"), "it counts as false");
        var plan = ExportPlan.Of(settings, Value);
        if (string.Equals(Value(OtelVariables.Disabled), "true", StringComparison.OrdinalIgnoreCase)) return plan;
        foreach (var (name, check) in OtelVariables.Exporters) Look(name, check, "what it names besides is heard, the rest is not sent");
        Strangers();
        if (!plan.Any) return plan;
        foreach (var (name, check) in OtelVariables.Tuning) Look(name, check, "the default is taken");
        Queues(OtelVariables.Queue, OtelVariables.Batch);
        Queues(OtelVariables.LogQueue, OtelVariables.LogBatch);
        return new(
            plan.Traces with { Otlp = plan.Traces.Otlp && CanSend("TRACES", settings) },
            plan.Metrics with { Otlp = plan.Metrics.Otlp && CanSend("METRICS", settings) },
            plan.Logs with { Otlp = plan.Logs.Otlp && CanSend("LOGS", settings) });
    }

    // The variable of a signal goes before that of all.
    private string? Name(string signal, string key) =>
        new[] { $"{OtelVariables.Otlp}{signal}_{key}", $"{OtelVariables.Otlp}{key}" }.FirstOrDefault(_values.ContainsKey);

    private bool CanSend(string signal, TelemetrySettings settings)
    {
        if (Name(signal, "TIMEOUT") is { } timeout) Look(timeout, OtelVariables.Timeout, "the default is taken");
        var sound = true;
        foreach (var (key, check) in OtelVariables.Transport)
        {
            if ((key == "ENDPOINT" && settings.Endpoint is not null) || (key == "PROTOCOL" && settings.Protocol is not null)) continue;
            if (Name(signal, key) is { } name && check(_values[name]) is { } wrong) sound = Slip(name, wrong, "what it is for is not sent");
        }
        var (certificate, privateKey) = (Name(signal, "CLIENT_CERTIFICATE"), Name(signal, "CLIENT_KEY"));
        if (certificate is not null && Certificates.Client(_values[certificate], privateKey is null ? null : _values[privateKey]) is { } unread) sound = Slip(certificate, unread, "what it is for is not sent");
        if (certificate is null && privateKey is not null) sound = Slip(privateKey, "is the key of no certificate", "what it is for is not sent");
        return sound;
    }

    // The SDK ends the process where a batch is larger than its queue.
    private void Queues(string queue, string batch)
    {
        var most = Number(queue, UsualQueue);
        var wanted = Number(batch, UsualBatch);
        if (_values.ContainsKey(batch) && wanted > most) Look(batch, _ => string.Create(CultureInfo.InvariantCulture, $"is more than the {most} of {queue}"), "the whole queue is taken");
        _values[batch] = Math.Min(wanted, most).ToString(CultureInfo.InvariantCulture);
    }

    private int Number(string name, int otherwise) => Value(name) is { } value ? int.Parse(value, CultureInfo.InvariantCulture) : otherwise;

    private void Strangers()
    {
        foreach (var name in _values.Keys.Where(OtelVariables.IsGeneral).Except(OtelVariables.Heard).Order(StringComparer.Ordinal).ToList())
        {
            var nearest = NearestName.Of(name, OtelVariables.Heard.Where(heard => Levenshtein.GetDistance(heard, name) <= 2));
            Look(name, nearest is null ? Checks.NoEffect : _ => $"has no effect here; did you mean {nearest}?", "it is left out");
        }
    }

    private void Look(string name, Check check, string effect)
    {
        if (_values.TryGetValue(name, out var value) && check(value) is { } wrong)
        {
            Slip(name, wrong, effect);
            // The words of an exporter that are known are still heard.
            if (!OtelVariables.Exporters.ContainsKey(name)) _values.Remove(name);
        }
    }

    // One that several signals share is one slip.
    private bool Slip(string name, string wrong, string effect)
    {
        var shown = name.EndsWith("HEADERS", StringComparison.Ordinal) ? "" : $" = {Quoted.Words(WithoutUser(_values[name]))}";
        var slip = new Fault.Configuration(FaultCodes.VariableNotUsable, $"telemetry: the environment variable {name}{shown} {wrong}; {effect}, and the run goes on");
        if (!_slips.Contains(slip)) _slips.Add(slip);
        return false;
    }

    // An address may hold a password.
    private static string WithoutUser(string value) =>
        value.IndexOf("//", StringComparison.Ordinal) is >= 0 and var begin && value.IndexOf('@', begin) is > 0 and var end ? $"{value[..(begin + 2)]}...{value[end..]}" : value;
}
