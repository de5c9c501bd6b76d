using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Optimizers.Descent;

/// <summary>Offers the optimizers <c>dal</c> and <c>sgd</c>, and the objective <c>drift</c>.</summary>
public sealed class DescentPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.Of<DalOptimizer, DalSettings>("dal", SettingsJson.Default.DalSettings, static (settings, context) => new(settings, context.Warn))
            .Requiring(Capabilities.Replay)
            .Providing(Capabilities.OwnStepLength),
        PartDefinition.Of<SgdOptimizer, SgdSettings>("sgd", SettingsJson.Default.SgdSettings, static (settings, _) => new(settings))
            .Providing(Capabilities.PlainDescent),
        PartDefinition.Of<DriftObjective, DriftSettings>("drift", SettingsJson.Default.DriftSettings, static (settings, _) => new(settings))
            .Requiring<DriftSettings>(static settings => [Capabilities.Players, Capabilities.PlainDescent, Capabilities.Replay, .. settings.Independent ? [Capabilities.SecondDraw] : Array.Empty<string>()]),
    ];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(DalSettings))]
[JsonSerializable(typeof(SgdSettings))]
[JsonSerializable(typeof(DriftSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
