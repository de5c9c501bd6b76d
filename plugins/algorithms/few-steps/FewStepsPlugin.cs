using System.Text.Json.Serialization;
using LeapAlign.Algorithms.FewSteps.Pairs;
using LeapAlign.Algorithms.FewSteps.Reflow;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Algorithms.FewSteps;

/// <summary>Offers the algorithms <c>reflow</c> and <c>reflow-distill</c>.</summary>
public sealed class FewStepsPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.Of<ReflowAlgorithm, ReflowSettings>("reflow", SettingsJson.Default.ReflowSettings, static (settings, context) => new("reflow", settings, context))
            .Requiring<ReflowSettings>(Requires)
            .Providing([Capabilities.GuidanceLearned, .. Capabilities.OfRepeatableSteps])
            .Costing<ReflowSettings>(Cost),
        PartDefinition.Of<ReflowAlgorithm, ReflowDistillSettings>("reflow-distill", SettingsJson.Default.ReflowDistillSettings, static (settings, context) => new("reflow-distill", settings, context))
            .Requiring<ReflowDistillSettings>(Requires)
            .Providing([Capabilities.GuidanceLearned, .. Capabilities.OfRepeatableSteps])
            .Costing<ReflowDistillSettings>(Cost),
    ];

    private static string[] Requires(PairSettings settings) => settings.Make ? [Capabilities.ReferencePolicy] : [];

    // A pair is made once, however often it is trained on: a sample costs no more than its rollout.
    private static NetworkCost Cost(PairSettings settings, int steps) =>
        new((settings.Make ? steps : 0) + (settings.StraightnessEvery > 0 ? (double)steps / settings.StraightnessEvery : 0), settings.Timesteps, 0);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ReflowSettings))]
[JsonSerializable(typeof(ReflowDistillSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
