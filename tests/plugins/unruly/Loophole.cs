using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using static TorchSharp.torch;

namespace TestPlugins.Unruly;

/// <summary>Likes red, the more the redder a picture is already: nothing at first, and more than any other reward in the end.</summary>
public sealed class Loophole : IDifferentiableReward
{
    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
    {
        using var scope = NewDisposeScope();
        var colours = images.mean([2, 3]);
        var red = colours.select(1, 0) - ((colours.select(1, 1) + colours.select(1, 2)) / 2);
        return (red * 3).exp().MoveToOuterDisposeScope();
    }
}
