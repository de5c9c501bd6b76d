using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Algorithms.LeapAlign;

/// <summary>Offers the algorithm <c>leapalign</c>.</summary>
public sealed class LeapAlignPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.Of<LeapAlignAlgorithm, LeapAlignSettings>(
            "leapalign", SettingsJson.Default.LeapAlignSettings, static (settings, _) => new(settings, new LeapPairSampler(settings).Draw))
            .Requiring(Capabilities.DifferentiableReward),
    ];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(LeapAlignSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
