using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Objectives.LocalError;

/// <summary>Offers the objective <c>local-error</c>.</summary>
public sealed class LocalErrorPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.TryOf<LocalErrorObjective, LocalErrorSettings>("local-error", SettingsJson.Default.LocalErrorSettings, static (settings, context) => LocalErrorObjective.Of(context.Name, settings))
            .Costing<LocalErrorSettings>(static (settings, _) => new(0, settings.Pair == SolverPair.Heun ? 2 : 7, 0)),
    ];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(LocalErrorSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
