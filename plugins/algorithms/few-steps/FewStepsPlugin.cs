using System.Text.Json.Serialization;
using LeapAlign.Algorithms.FewSteps.Maps;
using LeapAlign.Algorithms.FewSteps.Pairs;
using LeapAlign.Algorithms.FewSteps.Reflow;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Algorithms.FewSteps;

/// <summary>Offers the algorithms <c>reflow</c> and <c>reflow-distill</c>, those of flow maps, and the sampler <c>flow-map</c>.</summary>
public sealed class FewStepsPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.Of<ReflowAlgorithm, ReflowSettings>("reflow", SettingsJson.Default.ReflowSettings, static (settings, context) => new("reflow", settings, context))
            .Requiring<ReflowSettings>(OfReflow)
            .Providing([Capabilities.GuidanceLearned, .. Capabilities.OfRepeatableSteps])
            .Costing<ReflowSettings>(Cost),
        PartDefinition.Of<ReflowAlgorithm, ReflowDistillSettings>("reflow-distill", SettingsJson.Default.ReflowDistillSettings, static (settings, context) => new("reflow-distill", settings, context))
            .Requiring<ReflowDistillSettings>(OfReflow)
            .Providing([Capabilities.GuidanceLearned, .. Capabilities.OfRepeatableSteps])
            .Costing<ReflowDistillSettings>(Cost),
        Map(PartDefinition.TryOf<FlowMapAlgorithm, FlowMapPsdSettings>("flow-map-psd", SettingsJson.Default.FlowMapPsdSettings, static (settings, context) => FlowMapAlgorithm.Create("flow-map-psd", settings, context))),
        Map(PartDefinition.TryOf<FlowMapAlgorithm, FlowMapLsdSettings>("flow-map-lsd", SettingsJson.Default.FlowMapLsdSettings, static (settings, context) => FlowMapAlgorithm.Create("flow-map-lsd", settings, context))),
        Map(PartDefinition.TryOf<FlowMapAlgorithm, FlowMapEsdSettings>("flow-map-esd", SettingsJson.Default.FlowMapEsdSettings, static (settings, context) => FlowMapAlgorithm.Create("flow-map-esd", settings, context))),
        PartDefinition.Of<FlowMapTrajectory, FlowMapTrajectorySettings>("flow-map-trajectory", SettingsJson.Default.FlowMapTrajectorySettings, static (settings, context) => new(settings, context))
            .Requiring<FlowMapTrajectorySettings>(static settings => [Capabilities.FlowMap, .. Requires(settings)])
            .Providing([Capabilities.GuidanceLearned, .. Capabilities.OfRepeatableSteps])
            .Costing<FlowMapTrajectorySettings>(static (settings, steps) => new(settings.Make ? steps * settings.Substeps : 0, settings.Jumps, 0)),
        PartDefinition.Of<FlowMapSampler, FlowMapSamplerSettings>("flow-map", SettingsJson.Default.FlowMapSamplerSettings, static (settings, _) => new(settings))
            .Stepping<FlowMapSamplerSettings>(static settings => settings.Steps),
    ];

    private static PartDefinition Map(PartDefinition part) => part
        .Requiring<FlowMapSettings>(static settings =>
        [
            Capabilities.FlowMap,
            Capabilities.Pictures,
            .. settings.Teacher == MapTeacher.Reference ? [Capabilities.ReferencePolicy] : settings.Teacher == MapTeacher.Model ? [Capabilities.Teacher] : Array.Empty<string>(),
        ])
        .Providing<FlowMapSettings>(static settings => settings.Teacher == MapTeacher.None ? Capabilities.OfRepeatableSteps : [Capabilities.GuidanceLearned, .. Capabilities.OfRepeatableSteps])
        .Costing<FlowMapSettings>(Cost);

    private static string[] Requires(PairSettings settings) => settings.Make ? [Capabilities.ReferencePolicy] : [];

    // How straight a flow is is measured on the velocities that a sampler calls.
    private static string[] OfReflow(MatchingSettings settings) => [.. Requires(settings), .. settings.StraightnessEvery > 0 ? [Capabilities.VelocityPath] : Array.Empty<string>()];

    // A pair is made once, however often it is trained on: a sample costs no more than its rollout.
    private static NetworkCost Cost(MatchingSettings settings, int steps) =>
        new((settings.Make ? steps : 0) + (settings.StraightnessEvery > 0 ? (double)steps / settings.StraightnessEvery : 0), settings.Timesteps, 0);

    private static NetworkCost Cost(FlowMapSettings settings, int steps)
    {
        var (plain, gradient) = settings.Jumps;
        var taught = settings.Teacher == MapTeacher.None ? 0 : settings.Diagonal;
        return new(taught + ((1 - settings.Diagonal) * plain), settings.Diagonal + ((1 - settings.Diagonal) * gradient), 0);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ReflowSettings))]
[JsonSerializable(typeof(ReflowDistillSettings))]
[JsonSerializable(typeof(FlowMapPsdSettings))]
[JsonSerializable(typeof(FlowMapLsdSettings))]
[JsonSerializable(typeof(FlowMapEsdSettings))]
[JsonSerializable(typeof(FlowMapTrajectorySettings))]
[JsonSerializable(typeof(FlowMapSamplerSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
