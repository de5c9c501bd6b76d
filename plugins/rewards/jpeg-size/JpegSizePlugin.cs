using System.Text.Json.Serialization;
using LeapAlign.Contracts.Estimators;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Rewards;

namespace LeapAlign.Rewards.JpegSize;

/// <summary>Offers the reward <c>jpeg-size</c>.</summary>
public sealed class JpegSizePlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.Of<IReward, JpegSizeSettings>(
            "jpeg-size", SettingsJson.Default.JpegSizeSettings, static (settings, _) => settings.Gradient == HardGradient.None ? new JpegSizeReward(settings) : new TrainableJpegSize(settings))
            .Providing<JpegSizeSettings>(static settings => settings.Gradient == HardGradient.None ? [] : [Capabilities.DifferentiableReward]),
    ];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(JpegSizeSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
