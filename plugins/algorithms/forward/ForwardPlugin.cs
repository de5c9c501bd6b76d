using System.Text.Json.Serialization;
using LeapAlign.Algorithms.Forward.Awm;
using LeapAlign.Algorithms.Forward.Copg;
using LeapAlign.Algorithms.Forward.Crd;
using LeapAlign.Algorithms.Forward.Ddo;
using LeapAlign.Algorithms.Forward.Dgpo;
using LeapAlign.Algorithms.Forward.Dpo;
using LeapAlign.Algorithms.Forward.Dso;
using LeapAlign.Algorithms.Forward.Nft;
using LeapAlign.Algorithms.Forward.Samples;
using LeapAlign.Algorithms.Forward.Sft;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Algorithms.Forward;

/// <summary>Offers the algorithms <c>nft</c>, <c>awm</c>, <c>dpo</c>, <c>dgpo</c>, <c>crd</c>, <c>sft</c>, <c>copg</c>, <c>dso</c> and <c>ddo</c>.</summary>
public sealed class ForwardPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.Of<NftAlgorithm, NftSettings>("nft", SettingsJson.Default.NftSettings, static (settings, _) => new(settings))
            .Requiring<NftSettings>(static settings => Grouped(settings.KlWeight > 0))
            .Costing<NftSettings>(static (settings, steps) => Cost(settings, steps, 1 + (settings.KlWeight > 0 ? 1 : 0))),
        PartDefinition.Of<AwmAlgorithm, AwmSettings>("awm", SettingsJson.Default.AwmSettings, static (settings, _) => new(settings))
            .Requiring<AwmSettings>(static settings => Grouped(settings.KlWeight > 0))
            .Costing<AwmSettings>(static (settings, steps) => Cost(settings, steps, AwmAlgorithm.CopiesPerTime(settings))),
        PartDefinition.Of<DpoAlgorithm, DpoSettings>("dpo", SettingsJson.Default.DpoSettings, static (settings, context) => new(settings) { Warn = context.Warn })
            .Requiring<DpoSettings>(DpoAlgorithm.Requires)
            // Of groups of two; larger ones train on two samples of K. A prompt with preferences has two pictures and no rollout.
            .Costing<DpoSettings>(static (settings, steps) => settings.Source == PairSource.Online
                ? Cost(settings, steps, 1)
                : new(2 * settings.TimesOf(steps), 2 * settings.TimesOf(steps), 0)),
        PartDefinition.Of<DgpoAlgorithm, DgpoSettings>("dgpo", SettingsJson.Default.DgpoSettings, static (settings, _) => new(settings))
            .Requiring<DgpoSettings>(static _ => Grouped(reference: true))
            .Costing<DgpoSettings>(static (settings, steps) => Cost(settings, steps, DgpoAlgorithm.CopiesPerTime(settings))),
        PartDefinition.Of<CrdAlgorithm, CrdSettings>("crd", SettingsJson.Default.CrdSettings, static (settings, _) => new(settings))
            .Requiring<CrdSettings>(static settings => Grouped(settings.KlWeight > 0))
            .Costing<CrdSettings>(static (settings, steps) => Cost(settings, steps, 1 + (settings.KlWeight > 0 ? 1 : 0))),
        PartDefinition.Of<SftAlgorithm, SftSettings>("sft", SettingsJson.Default.SftSettings, static (settings, _) => new(settings))
            .Requiring(Capabilities.Pictures)
            .Providing([.. Capabilities.OfRepeatableSteps])
            .Costing<SftSettings>(static (settings, _) => new(0, settings.Timesteps, 0)),
        // What a prompt comes with has no rollout: K pictures, two of a pair, a real one and a fake.
        PartDefinition.Of<CopgAlgorithm, CopgSettings>("copg", SettingsJson.Default.CopgSettings, static (settings, _) => new(settings))
            .Requiring<CopgSettings>(CopgAlgorithm.Requires)
            .Costing<CopgSettings>(static (settings, steps) => Compared(settings.Source, steps, settings.Group, settings.Timesteps, reference: true)),
        PartDefinition.Of<DsoAlgorithm, DsoSettings>("dso", SettingsJson.Default.DsoSettings, static (settings, context) => new(settings) { Warn = context.Warn })
            .Requiring<DsoSettings>(DsoAlgorithm.Requires)
            .Costing<DsoSettings>(static (settings, steps) => Compared(settings.Source, steps, settings.Pairs ? 2 : 1, settings.Timesteps, DsoAlgorithm.NeedsReferenceOf(settings))),
        PartDefinition.Of<DdoAlgorithm, DdoSettings>("ddo", SettingsJson.Default.DdoSettings, static (settings, _) => new(settings))
            .Requiring<DdoSettings>(DdoAlgorithm.Requires)
            .Costing<DdoSettings>(static (settings, steps) => new((settings.Fakes == FakeSource.Generated ? steps : 0) + (2 * settings.Timesteps), 2 * settings.Timesteps, 0)),
    ];

    private static NetworkCost Compared(SampleSource source, int steps, int pictures, int times, bool reference)
    {
        var trained = source == SampleSource.Online ? times : pictures * times;
        return new((source == SampleSource.Online ? steps : 0) + (reference ? trained : 0), trained, 0);
    }

    private static string[] Grouped(bool reference) => reference ? [Capabilities.GroupedPrompts, Capabilities.ReferencePolicy] : [Capabilities.GroupedPrompts];

    /// <summary>The rollout, then at each training time the policy and its copies.</summary>
    private static NetworkCost Cost(ForwardSettings settings, int steps, double copies)
    {
        var times = settings.TimesOf(steps);
        return new(steps + (times * copies), times, 0);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(NftSettings))]
[JsonSerializable(typeof(AwmSettings))]
[JsonSerializable(typeof(DpoSettings))]
[JsonSerializable(typeof(DgpoSettings))]
[JsonSerializable(typeof(CrdSettings))]
[JsonSerializable(typeof(SftSettings))]
[JsonSerializable(typeof(CopgSettings))]
[JsonSerializable(typeof(DsoSettings))]
[JsonSerializable(typeof(DdoSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
