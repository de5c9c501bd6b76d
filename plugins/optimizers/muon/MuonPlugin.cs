using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Optimizers.Muon;

/// <summary>Offers the optimizer <c>muon</c>.</summary>
public sealed class MuonPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.Of<MuonOptimizer, MuonSettings>("muon", SettingsJson.Default.MuonSettings, static (settings, context) => new(settings, context.Warn))
            .Providing(Capabilities.OwnStepLength),
    ];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(MuonSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
