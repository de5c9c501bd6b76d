using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Algorithms.Direct;

/// <summary>Offers the algorithms <c>refl</c>, <c>draft</c>, <c>full</c> and <c>drtune</c>.</summary>
public sealed class DirectPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.Of<ReflAlgorithm, ReflSettings>("refl", SettingsJson.Default.ReflSettings, static (settings, _) => new(settings, settings.DrawStep))
            .Requiring(Capabilities.DifferentiableReward)
            .Costing<ReflSettings>(static (settings, steps) => new(steps - ((Math.Min(settings.LastSteps, steps) + 1) / 2.0), 1, 1)),
        PartDefinition.Of<DraftAlgorithm, DraftSettings>("draft", SettingsJson.Default.DraftSettings, static (settings, _) => new(settings, DraftAlgorithm.DrawNoise))
            .Requiring(Capabilities.DifferentiableReward)
            .Costing<DraftSettings>(static (settings, steps) =>
                new(settings.Checkpoint ? steps : steps - settings.GradientSteps, settings.GradientSteps + settings.ReNoised, 1 + settings.ReNoised)),
        PartDefinition.Of<FullAlgorithm, FullSettings>("full", SettingsJson.Default.FullSettings, static (settings, _) => new(settings))
            .Requiring(Capabilities.DifferentiableReward)
            .Costing<FullSettings>(static (_, steps) => new(steps, steps, 1)),
        PartDefinition.Of<DrtuneAlgorithm, DrtuneSettings>("drtune", SettingsJson.Default.DrtuneSettings, static (settings, _) => new(settings, settings.Draw))
            .Requiring(Capabilities.DifferentiableReward)
            .Costing<DrtuneSettings>(static (settings, steps) => settings.Cost(steps)),
    ];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ReflSettings))]
[JsonSerializable(typeof(DraftSettings))]
[JsonSerializable(typeof(FullSettings))]
[JsonSerializable(typeof(DrtuneSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
