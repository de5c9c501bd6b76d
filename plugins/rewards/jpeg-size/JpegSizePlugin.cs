using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Rewards.JpegSize;

/// <summary>Offers the reward <c>jpeg-size</c>.</summary>
public sealed class JpegSizePlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
        [PartDefinition.Of<JpegSizeReward, JpegSizeSettings>("jpeg-size", SettingsJson.Default.JpegSizeSettings, static (settings, _) => new(settings))];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(JpegSizeSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
