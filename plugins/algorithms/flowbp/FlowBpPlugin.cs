using System.Text.Json.Serialization;
using LeapAlign.Algorithms.FlowBp.Bridge;
using LeapAlign.Algorithms.FlowBp.Lagrange;
using LeapAlign.Algorithms.FlowBp.Sparse;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Algorithms.FlowBp;

/// <summary>Offers the algorithms <c>flowbp-sparse</c>, <c>flowbp-bridge</c> and <c>flowbp-lagrange</c>.</summary>
public sealed class FlowBpPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.Of<SparseAlgorithm, SparseSettings>(
            SparseSteps.Id, SettingsJson.Default.SparseSettings, static (settings, _) => new(settings, new SparseSteps(settings).Draw))
            .Requiring(Capabilities.DifferentiableReward, Capabilities.VelocityPath)
            .Providing([Capabilities.Rows, Capabilities.RewardWeights, .. Capabilities.OfRepeatableSteps])
            .Costing<SparseSettings>(static (settings, steps) => Cost(steps, Math.Min(settings.ActiveSteps, new SparseSteps(settings).Window(steps).Count), settings.Reforward)),
        PartDefinition.Of<BridgeAlgorithm, BridgeSettings>(
            BridgeSteps.Id, SettingsJson.Default.BridgeSettings, static (settings, _) => new(settings, new BridgeSteps(settings).Draw))
            .Requiring(Capabilities.DifferentiableReward, Capabilities.VelocityPath)
            .Providing([Capabilities.Rows, Capabilities.RewardWeights, .. Capabilities.OfRepeatableSteps])
            .Costing<BridgeSettings>(static (settings, steps) => Cost(steps, Math.Min(settings.ActiveSteps, new BridgeSteps(settings).Window(steps).Count), settings.Reforward)),
        PartDefinition.Of<LagrangeAlgorithm, LagrangeSettings>(
            LagrangeSteps.Id, SettingsJson.Default.LagrangeSettings, static (settings, _) => new(settings, new LagrangeSteps(settings).Draw))
            .Requiring(Capabilities.DifferentiableReward, Capabilities.VelocityPath)
            .Providing([Capabilities.Rows, Capabilities.RewardWeights, .. Capabilities.OfRepeatableSteps])
            .Costing<LagrangeSettings>(static (settings, steps) => Cost(steps, new LagrangeSteps(settings).MeanRecorded(steps), settings.Reforward)),
    ];

    private static NetworkCost Cost(int steps, double recorded, bool reforward) => new(reforward ? steps : Math.Max(0, steps - recorded), recorded, 1);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(SparseSettings))]
[JsonSerializable(typeof(BridgeSettings))]
[JsonSerializable(typeof(LagrangeSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
