using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using static TorchSharp.torch;

namespace TestPlugins.Measures;

/// <summary>Offers a reward with spans and measurements of its own, one of which calls back into the plugin.</summary>
public sealed class Plugin : IPlugin
{
    public IReadOnlyList<PartDefinition> Parts { get; } =
        [PartDefinition.Of<Measuring, NoSettings>("measures", SettingsJson.Default.NoSettings, static (_, context) => new(context))];
}

public sealed class Measuring : IReward
{
    private readonly PartContext _context;
    private int _scored;

    public Measuring(PartContext context)
    {
        _context = context;
        context.Meter.CreateObservableGauge("test.scored", () => _scored);
    }

    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
    {
        using var span = _context.Spans.StartActivity("measuring")?.SetTag("test.owner", new Owner());
        _scored++;
        return images.mean([1, 2, 3]);
    }

    // A value of the plugin's own type on a span: it may not keep the plugin either.
    private sealed class Owner;
}

public sealed record NoSettings;

[JsonSerializable(typeof(NoSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
