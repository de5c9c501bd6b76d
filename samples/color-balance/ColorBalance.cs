using System.ComponentModel;
using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using static TorchSharp.torch;

namespace ColorBalance;

/// <summary>Settings of the reward.</summary>
public sealed record Settings
{
    /// <summary>The target.</summary>
    [Description("The mean red, green and blue that a picture should have, each 0 to 1.")]
    public double[] Target { get; init; } = [0.6, 0.5, 0.4];
}

/// <summary>Minus the squared distance of a picture's mean colour from the target: 0 is perfect.</summary>
public sealed class Reward(Settings settings) : IDifferentiableReward
{
    /// <inheritdoc/>
    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
    {
        using var scope = NewDisposeScope();
        var target = tensor(settings.Target, dtype: ScalarType.Float32, device: images.device);
        return (images.mean([2, 3]) - target).square().sum(1).neg().MoveToOuterDisposeScope();
    }
}

/// <summary>What this assembly offers.</summary>
public sealed class Plugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
        [PartDefinition.Of<Reward, Settings>("color-balance", SettingsJson.Default.Settings, (settings, _) => new(settings))];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Settings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
