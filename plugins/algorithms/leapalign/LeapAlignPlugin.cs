using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Methods.Leaps;

namespace LeapAlign.Algorithms.LeapAlign;

/// <summary>Offers the algorithm <c>leapalign</c>.</summary>
public sealed class LeapAlignPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.Of<LeapAlignAlgorithm, LeapAlignSettings>(
            "leapalign", SettingsJson.Default.LeapAlignSettings, static (settings, context) => new(settings, new LeapPairSampler("leapalign", settings).Draw, context.Spans))
            .Requiring<LeapAlignSettings>(Requires)
            .Providing([Capabilities.Rows, Capabilities.RewardWeights, .. Capabilities.OfRepeatableSteps])
            // Anchors of different pairs seldom coincide; where they do, the sampler passes only one of the evaluations.
            .Costing<LeapAlignSettings>(static (settings, steps) => settings.Map == MapLeapKind.None
                ? new(Math.Max(0, steps - (2 * settings.Pairs)), 2 * settings.Pairs, 1)
                : new(1 + (settings.Consistency > 0 ? 2 : 0) + (settings.MapKl > 0 ? 2 : 0), 2, 1)),
    ];

    private static string[] Requires(LeapAlignSettings settings) => settings.Map == MapLeapKind.None
        ? [Capabilities.DifferentiableReward, Capabilities.VelocityPath]
        : [Capabilities.DifferentiableReward, Capabilities.FlowMap, .. settings.MapKl > 0 ? [Capabilities.ReferencePolicy] : Array.Empty<string>()];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(LeapAlignSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
