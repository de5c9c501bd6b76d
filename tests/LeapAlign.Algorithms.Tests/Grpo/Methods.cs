using LeapAlign.Algorithms.Grpo.Settings;

namespace LeapAlign.Algorithms.Grpo.Tests;

/// <summary>The methods at their published settings, but with windows that fit into N steps, one update and no KL term.</summary>
internal static class Methods
{
    public static IReadOnlyList<string> Ids { get; } = ["flow-grpo", "flow-grpo-fast", "mix-grpo", "dance-grpo", "grpo-guard"];

    public static GrpoMethod Of(string id, int steps, int updates = 1, double klWeight = 0) => id switch
    {
        "flow-grpo" => GrpoMethod.FlowGrpo(new FlowGrpoSettings { Updates = updates, KlWeight = klWeight }),
        "flow-grpo-fast" => GrpoMethod.FlowGrpoFast(new FlowGrpoFastSettings { Updates = updates, KlWeight = klWeight, Window = Math.Min(3, steps / 2) }),
        "mix-grpo" => GrpoMethod.MixGrpo(new MixGrpoSettings { Updates = updates, KlWeight = klWeight, Window = Math.Min(4, steps - 1) }),
        "dance-grpo" => GrpoMethod.DanceGrpo(new DanceGrpoSettings { Updates = updates, KlWeight = klWeight }),
        "grpo-guard" => GrpoMethod.GrpoGuard(new GrpoGuardSettings { Updates = updates, KlWeight = klWeight }),
        _ => throw new ArgumentOutOfRangeException(nameof(id)),
    };
}
