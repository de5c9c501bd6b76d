using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using TestPlugins.Words;
using static TorchSharp.torch;

namespace TestPlugins.Speaks;

/// <summary>Offers a reward that says which version of its private library it runs with.</summary>
public sealed class Plugin : IPlugin
{
    public IReadOnlyList<PartDefinition> Parts { get; } =
        [PartDefinition.Of<Speaker, NoSettings>("speaks-1", SettingsJson.Default.NoSettings, static (_, _) => new())];
}

public sealed class Speaker : IReward
{
    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts) => images.mean([1, 2, 3]);

    public override string ToString() => Vocabulary.Word;
}

public sealed record NoSettings;

[JsonSerializable(typeof(NoSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
