using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Samplers.Dpm;

/// <summary>Offers the sampler <c>dpm</c>.</summary>
public sealed class DpmPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
        [PartDefinition.Of<DpmSampler, DpmSettings>("dpm", SettingsJson.Default.DpmSettings, static (settings, _) => new(settings))
            .Stepping<DpmSettings>(static settings => settings.Steps)];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(DpmSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
