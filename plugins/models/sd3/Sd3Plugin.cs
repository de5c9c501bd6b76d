using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Models.Sd3;

/// <summary>Offers the model <c>sd3</c>.</summary>
public sealed class Sd3Plugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
        [PartDefinition.TryOf<Sd3Model, Sd3Settings>("sd3", SettingsJson.Default.Sd3Settings, Sd3Model.Load)
            .Providing<Sd3Settings>(static settings => settings.FlowMap ? [Capabilities.FlowMap] : [])];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Sd3Settings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
