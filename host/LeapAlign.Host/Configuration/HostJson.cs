using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Plugins;

namespace LeapAlign.Host.Configuration;

/// <summary>The types of the host's own sections and files, read strictly.</summary>
internal static class HostJson
{
    public static JsonTypeInfo<RunSettings> Run { get; } = SettingsType.Strict(HostJsonContext.Default.RunSettings);

    public static JsonTypeInfo<GuidanceSettings> Guidance { get; } = SettingsType.Strict(HostJsonContext.Default.GuidanceSettings);

    public static JsonTypeInfo<EvaluationSettings> Evaluation { get; } = SettingsType.Strict(HostJsonContext.Default.EvaluationSettings);

    public static JsonTypeInfo<ExportSettings> Export { get; } = SettingsType.Strict(HostJsonContext.Default.ExportSettings);

    public static JsonTypeInfo<CheckpointSettings> Checkpoint { get; } = SettingsType.Strict(HostJsonContext.Default.CheckpointSettings);

    public static JsonTypeInfo<GuardSettings> Guard { get; } = SettingsType.Strict(HostJsonContext.Default.GuardSettings);

    public static JsonTypeInfo<SentinelSettings> Sentinel { get; } = SettingsType.Strict(HostJsonContext.Default.SentinelSettings);

    public static JsonTypeInfo<TelemetrySettings> Telemetry { get; } = SettingsType.Strict(HostJsonContext.Default.TelemetrySettings);

    public static JsonTypeInfo<ListEntry> Entry { get; } = SettingsType.Strict(HostJsonContext.Default.ListEntry);

    public static JsonTypeInfo<ObjectiveEntry> Objective { get; } = SettingsType.Strict(HostJsonContext.Default.ObjectiveEntry);

    public static JsonTypeInfo<RewardEntry> Reward { get; } = SettingsType.Strict(HostJsonContext.Default.RewardEntry);

    public static JsonTypeInfo<PluginManifest> Manifest { get; } = SettingsType.Strict(HostJsonContext.Default.PluginManifest);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(RunSettings))]
[JsonSerializable(typeof(GuidanceSettings))]
[JsonSerializable(typeof(EvaluationSettings))]
[JsonSerializable(typeof(ExportSettings))]
[JsonSerializable(typeof(CheckpointSettings))]
[JsonSerializable(typeof(GuardSettings))]
[JsonSerializable(typeof(SentinelSettings))]
[JsonSerializable(typeof(TelemetrySettings))]
[JsonSerializable(typeof(ListEntry))]
[JsonSerializable(typeof(ObjectiveEntry))]
[JsonSerializable(typeof(RewardEntry))]
[JsonSerializable(typeof(PluginManifest))]
internal sealed partial class HostJsonContext : JsonSerializerContext;
