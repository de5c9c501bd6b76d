using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Rewards.Ocr;

/// <summary>Offers the reward <c>ocr</c>.</summary>
public sealed class OcrPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
        [PartDefinition.TryOf<OcrReward, OcrSettings>("ocr", SettingsJson.Default.OcrSettings, OcrReward.Create)];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(OcrSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
