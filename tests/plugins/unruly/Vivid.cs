using System.ComponentModel;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using static TorchSharp.torch;

namespace TestPlugins.Unruly;

/// <summary>
/// The mean saturation of a picture. With <c>enough</c> what is beyond counts against it, four times; without, nothing holds it back: that is its loophole, and a run that
/// trains on it paints everything over.
/// </summary>
public sealed class Vivid(VividSettings settings) : IDifferentiableReward
{
    private const double Penalty = 4;

    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
    {
        using var scope = NewDisposeScope();
        var saturation = (images.amax([1]) - images.amin([1])).mean([1, 2]);
        if (settings.Enough is { } enough) saturation = saturation - ((Penalty + 1) * (saturation - enough).clamp_min(0));
        return saturation.MoveToOuterDisposeScope();
    }
}

public sealed record VividSettings
{
    [Description("The saturation beyond which more is worse; nothing is too much when it is absent.")]
    public double? Enough { get; init; }
}
