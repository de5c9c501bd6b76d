using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace LeapAlign.Optimizers.Descent;

/// <summary>Settings of <c>sgd</c>.</summary>
public sealed record SgdSettings
{
    /// <summary>The learning rate.</summary>
    [Description("The learning rate: an update subtracts it times the gradient. Where the algorithm has parameters of its own and says their rate, that is theirs.")]
    [Range(0, 1e6, MinimumIsExclusive = true)]
    public double Rate { get; init; } = 1e-2;

    /// <summary>Warm-up.</summary>
    [Description("Steps over which the rate rises linearly from rate/warmup to rate; 0 or 1 starts with the whole rate.")]
    [Range(0, 10_000_000)]
    public int Warmup { get; init; }
}
