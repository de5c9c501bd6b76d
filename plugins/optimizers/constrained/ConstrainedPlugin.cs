using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Optimizers.Constrained.Calibration;
using LeapAlign.Optimizers.Constrained.LvHba;

namespace LeapAlign.Optimizers.Constrained;

/// <summary>Offers the optimizer <c>lv-hba</c> and <c>constrained-newton</c>.</summary>
public sealed class ConstrainedPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.Of<LvHbaOptimizer, LvHbaSettings>("lv-hba", SettingsJson.Default.LvHbaSettings, static (settings, context) => new(settings, context.Name))
            .Requiring(Capabilities.RewardWeights)
            .Providing(Capabilities.OwnStepLength),
        PartDefinition.Of<CalibrationOptimizer, CalibrationSettings>("constrained-newton", SettingsJson.Default.CalibrationSettings, static (settings, context) => new(settings, context.Name))
            .Requiring(Capabilities.RewardWeights)
            .Providing(Capabilities.OwnStepLength),
    ];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(LvHbaSettings))]
[JsonSerializable(typeof(CalibrationSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
