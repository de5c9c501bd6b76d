using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Algorithms.Direct;

/// <summary>Offers the algorithms <c>refl</c>, <c>draft</c>, <c>full</c> and <c>drtune</c>.</summary>
public sealed class DirectPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.Of<ReflAlgorithm, ReflSettings>(
            "refl", SettingsJson.Default.ReflSettings, static (settings, _) => new(settings, (key, steps) => ReflAlgorithm.Draw(settings, key, steps)))
            .Requiring(Capabilities.DifferentiableReward)
            .Providing([Capabilities.Rows, Capabilities.RewardWeights, .. Capabilities.OfRepeatableSteps])
            .Costing<ReflSettings>(static (settings, steps) => new(steps - ((settings.Window(steps) + 1) / 2.0), 1, 1)),
        PartDefinition.Of<DraftAlgorithm, DraftSettings>(
            "draft", SettingsJson.Default.DraftSettings, static (settings, _) => new(settings, DraftAlgorithm.Draw))
            .Requiring(Capabilities.DifferentiableReward)
            // Under checkpointing each step of a path has an objective, and takes its adjoint from the one before.
            .Providing<DraftSettings>(static settings => settings.Checkpoint ? Capabilities.OfRepeatableSteps : [Capabilities.Rows, Capabilities.RewardWeights, .. Capabilities.OfRepeatableSteps])
            .Costing<DraftSettings>(static (settings, steps) => new(
                settings.Checkpoint ? steps : Math.Max(0, steps - settings.GradientSteps), Math.Min(steps, settings.GradientSteps) + settings.ReNoised, 1 + settings.ReNoised)),
        PartDefinition.Of<FullAlgorithm, FullSettings>("full", SettingsJson.Default.FullSettings, static (settings, _) => new(settings))
            .Requiring(Capabilities.DifferentiableReward)
            .Providing([Capabilities.RewardWeights, .. Capabilities.OfRepeatableSteps])
            .Costing<FullSettings>(static (_, steps) => new(steps, steps, 1)),
        PartDefinition.Of<DrtuneAlgorithm, DrtuneSettings>(
            "drtune", SettingsJson.Default.DrtuneSettings, static (settings, _) => new(settings, (key, steps) => DrtuneSteps.Draw(settings, key, steps)))
            .Requiring(Capabilities.DifferentiableReward, Capabilities.VelocityPath)
            .Providing([Capabilities.Rows, Capabilities.RewardWeights, .. Capabilities.OfRepeatableSteps])
            .Costing<DrtuneSettings>(static (settings, steps) =>
            {
                // A rollout that stops at e = N − r executes e + 1 steps; r is uniform in {1, …, M}.
                int[] executed = [.. Enumerable.Range(1, Math.Max(1, DrtuneSteps.Latest(settings, steps))).Select(reverse => steps - reverse + 1)];
                var trained = executed.Average(length => Math.Min(settings.TrainedSteps, length));
                return new(executed.Average() - trained, trained, 1);
            }),
    ];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ReflSettings))]
[JsonSerializable(typeof(DraftSettings))]
[JsonSerializable(typeof(FullSettings))]
[JsonSerializable(typeof(DrtuneSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
