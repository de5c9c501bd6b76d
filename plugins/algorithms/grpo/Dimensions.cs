using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Grpo;

internal static class Dimensions
{
    /// <summary><c>mean_d</c>: over every dimension but the first, [B, ...] to [B].</summary>
    public static Tensor Mean(Tensor values) => values.dim() == 1 ? values : values.flatten(1).mean([1]);
}
