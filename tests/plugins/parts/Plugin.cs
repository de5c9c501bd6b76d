using LeapAlign.Contracts.Plugins;
using LeapAlign.Pipeline;

namespace TestPlugins.Parts;

/// <summary>One part of each kind and of each way to go wrong. They are composed and made, never run.</summary>
public sealed class Plugin : IPlugin
{
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.Of<Canvas, CanvasSettings>("canvas", SettingsJson.Default.CanvasSettings, static (settings, _) => new(settings)),
        PartDefinition.Of<Lines, LinesSettings>("lines", SettingsJson.Default.LinesSettings, static (_, _) => new()),
        PartDefinition.Of<Euler, EulerSettings>("euler", SettingsJson.Default.EulerSettings, static (_, _) => new()).Stepping<EulerSettings>(static settings => settings.Steps + 1),
        PartDefinition.Of<Euler, EulerSettings>("sde", SettingsJson.Default.EulerSettings, static (_, _) => new()).Providing(Capabilities.LogProbability),
        Algorithm("free").Costing<NoSettings>(static (_, steps) => new(steps - 3, 3, 1)),
        Algorithm("direct").Requiring(Capabilities.DifferentiableReward),
        PartDefinition.Of<Idle, PolicySettings>("policy", SettingsJson.Default.PolicySettings, static (_, _) => new())
            .Requiring<PolicySettings>(static settings => settings.Exact ? [Capabilities.LogProbability] : []),
        Algorithm("grouped").Requiring(Capabilities.GroupedPrompts),
        Algorithm("anchored").Requiring(Capabilities.ReferencePolicy),
        Algorithm("paired").Requiring(Capabilities.PreferencePairs),
        PartDefinition.Of<Best, ColourSettings>("best", SettingsJson.Default.ColourSettings, static (_, _) => new()),
        PartDefinition.Of<Duel, ColourSettings>("duel", SettingsJson.Default.ColourSettings, static (_, _) => new()),
        Algorithm("odd").Requiring("made-up-capability"),
        Algorithm("throws-in-requires").Requiring<NoSettings>(static _ => throw new InvalidOperationException("no needs today")),
        Algorithm("throws-in-provides").Providing(null!),
        PartDefinition.Of<Idle, NoSettings>(
            "throws-in-create", SettingsJson.Default.NoSettings, static (_, _) => throw new InvalidOperationException("cannot be made")),
        PartDefinition.TryOf<Idle, NoSettings>(
            "fails-in-create", SettingsJson.Default.NoSettings, static (_, _) => new Fault.Input(FaultCodes.ModelNotFound, "the folder is absent")),
        PartDefinition.Of<Idle, TouchySettings>("throws-in-settings", SettingsJson.Default.TouchySettings, static (_, _) => new()),
        PartDefinition.Of<Flat, ColourSettings>("flat", SettingsJson.Default.ColourSettings, static (_, _) => new()),
        PartDefinition.Of<Deep, ColourSettings>("deep", SettingsJson.Default.ColourSettings, static (_, _) => new()).Requiring(Capabilities.Features),
        PartDefinition.Of<Smooth, ColourSettings>("smooth", SettingsJson.Default.ColourSettings, static (_, _) => new()),
        PartDefinition.Of<Descent, DescentSettings>("descent", SettingsJson.Default.DescentSettings, static (_, _) => new()),
        PartDefinition.Of<Descent, DescentSettings>("stride", SettingsJson.Default.DescentSettings, static (_, _) => new()).Providing(Capabilities.OwnStepLength),
        PartDefinition.Of<Descent, DemandingSettings>("demanding", SettingsJson.Default.DemandingSettings, static (_, _) => new()).Requiring<DemandingSettings>(static settings => settings.Needs),
        Algorithm("repeatable").Providing([Capabilities.Rows, .. Capabilities.OfRepeatableSteps]),
        PartDefinition.Of<Narrow, NarrowSettings>("narrow", SettingsJson.Default.NarrowSettings, static (_, _) => new()).Providing("few-weights"),
        Algorithm("modest").Requiring("few-weights"),
        PartDefinition.Of<Anchor, ColourSettings>("anchor", SettingsJson.Default.ColourSettings, static (_, _) => new()),
        PartDefinition.Of<Alone, NoSettings>("alone", SettingsJson.Default.NoSettings, static (_, _) => new()),
    ];

    private static PartDefinition Algorithm(string id) => PartDefinition.Of<Idle, NoSettings>(id, SettingsJson.Default.NoSettings, static (_, _) => new());
}
