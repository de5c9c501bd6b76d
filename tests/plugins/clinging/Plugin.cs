using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using static TorchSharp.torch;

namespace TestPlugins.Clinging;

/// <summary>Leaves a handler behind with the process, as plugins do that flush something at exit; its load context can never go.</summary>
public sealed class Plugin : IPlugin
{
    public Plugin() => AppDomain.CurrentDomain.ProcessExit += Nothing;

    public IReadOnlyList<PartDefinition> Parts { get; } =
        [PartDefinition.Of<Mean, NoSettings>("clinging", SettingsJson.Default.NoSettings, static (_, _) => new())];

    private static void Nothing(object? sender, EventArgs arguments)
    {
    }
}

public sealed class Mean : IReward
{
    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts) => images.mean([1, 2, 3]);
}

public sealed record NoSettings;

[JsonSerializable(typeof(NoSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
