using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Prompts.File;

/// <summary>Offers the prompt source <c>file</c>.</summary>
public sealed class FilePlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
        [PartDefinition.Of<FilePrompts, FileSettings>("file", SettingsJson.Default.FileSettings, static (settings, context) => new(context.Resolve(settings.Path), settings.Key))];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(FileSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
