using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Prompts.Pictures;

/// <summary>Offers the prompt sources <c>pictures</c>, <c>captioned-pictures</c>, <c>preferences</c> and <c>scored</c>.</summary>
public sealed class PicturesPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.Of<PictureFolder, PicturesSettings>(
            "pictures", SettingsJson.Default.PicturesSettings, static (settings, context) => new(context.Resolve(settings.Folder), settings.Key))
            .Providing(Capabilities.Pictures),
        PartDefinition.Of<CaptionedPictures, CaptionedPicturesSettings>(
            "captioned-pictures", SettingsJson.Default.CaptionedPicturesSettings, static (settings, context) => new(context.Resolve(settings.Captions), settings.Key))
            .Providing(Capabilities.Pictures),
        PartDefinition.Of<PreferenceFile, PreferencesSettings>(
            "preferences", SettingsJson.Default.PreferencesSettings, static (settings, context) => new(context.Resolve(settings.Path), settings.Key))
            .Providing(Capabilities.PreferencePairs),
        PartDefinition.Of<ScoredPictures, ScoredSettings>("scored", SettingsJson.Default.ScoredSettings, static (settings, context) => new(context.Resolve(settings.Path), settings, context.Warn))
            .Providing<ScoredSettings>(Offers),
    ];

    private static IEnumerable<string> Offers(ScoredSettings settings) => settings switch
    {
        { Threshold: null } => [Capabilities.ScoredPictures],
        { Pairs: true } => [Capabilities.ScoredPictures, Capabilities.Verdicts, Capabilities.VerdictPairs],
        _ => [Capabilities.ScoredPictures, Capabilities.Verdicts],
    };
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(PicturesSettings))]
[JsonSerializable(typeof(CaptionedPicturesSettings))]
[JsonSerializable(typeof(PreferencesSettings))]
[JsonSerializable(typeof(ScoredSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
