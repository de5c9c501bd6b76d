using LeapAlign.Contracts.Flow;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FewSteps.Maps;

/// <summary>The grid of a rollout that a map learns: each step of a sampler's grid divided into as many Euler steps.</summary>
/// <param name="schedule">The sampler's grid.</param>
/// <param name="substeps">Euler steps in each of its steps.</param>
internal sealed class FineGrid(Schedule schedule, int substeps)
{
    /// <summary>N + 1 levels, from noise to 0: those of the sampler among them, to the bit.</summary>
    public double[] Levels { get; } =
    [
        .. Enumerable.Range(0, schedule.Steps * substeps).Select(step =>
        {
            var (whole, part) = (step / substeps, (double)(step % substeps) / substeps);
            return schedule.Sigma(whole) + (part * schedule.Delta(whole, whole + 1));
        }),
        0,
    ];

    /// <summary>N.</summary>
    public int Steps => Levels.Length - 1;

    /// <summary>Every state of Euler steps along a velocity.</summary>
    /// <param name="noise">The state at the first level, [m, ...].</param>
    /// <param name="velocity">v.</param>
    /// <returns>The N states behind it, [m, N, ...].</returns>
    public Tensor Roll(Tensor noise, NetworkVelocity velocity)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        List<Tensor> states = [];
        for (var step = 0; step < Steps; step++)
        {
            using var inner = NewDisposeScope();
            var state = step == 0 ? noise : states[^1];
            states.Add(RectifiedFlow.Leap(state, velocity(state, [Levels[step]]), Levels[step + 1] - Levels[step]).MoveToOuterDisposeScope());
        }
        return stack(states, 1).MoveToOuterDisposeScope();
    }
}
