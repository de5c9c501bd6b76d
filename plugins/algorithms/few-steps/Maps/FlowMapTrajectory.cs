using LeapAlign.Algorithms.FewSteps.Pairs;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Methods.Maps;
using LeapAlign.Methods.Matching;
using LeapAlign.Pipeline;

namespace LeapAlign.Algorithms.FewSteps.Maps;

/// <summary>
/// A flow map as regression on rollouts of the first policy: <c>mean_d (u(x_i, σ_i, σ_j) − (x_j − x_i)/(σ_j − σ_i))²</c>, i uniform in 0..N−1 and j in i+1..N. No pictures, no derivative and no target of its own: it
/// suits a policy that was aligned with a reward, whose samples noised again are off its paths. The first policy is guided and the map is not: it learns the guided field.
/// </summary>
/// <param name="settings">Rollouts and jumps.</param>
/// <param name="context">Where rollouts are kept.</param>
public sealed class FlowMapTrajectory(FlowMapTrajectorySettings settings, PartContext context) : IAlgorithm
{
    private PairSource? _source;
    private FineGrid? _grid;

    /// <inheritdoc/>
    public Result<Unit> Check(RunShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        var grid = _grid = new FineGrid(shape.Schedule, settings.Substeps);
        _source = new PairSource(settings, context)
        {
            States = new KeptStates(FormattableString.Invariant($"all of {settings.Substeps} Euler steps in each step of the sampler's grid"), grid.Steps, (batch, noise) => grid.Roll(noise, batch.Network)),
        };
        return _source.Check("flow-map-trajectory", shape);
    }

    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return Objectives(step, _source ?? throw new InvalidOperationException("a step is asked for before the run was checked"), _grid!);
    }

    private IEnumerable<Objective> Objectives(AlignmentStep step, PairSource source, FineGrid grid)
    {
        foreach (var batch in step.Batches)
        {
            KeyedRandom[] keys = [.. batch.Samples.Select(sample => batch.StepKey.For("sample", sample).For("algorithm").For("trajectory").Open())];
            var kept = source.Of(step, batch, keys);
            kept.HandOn();
            for (var jump = 0; jump < settings.Jumps; jump++)
            {
                (int From, int To)[] places = [.. keys.Select(key => Draw(key, grid.Steps))];
                yield return Objective(kept, grid, places).Times(1.0 / (step.Batches.Count * settings.Jumps)).From(batch);
            }
        }
    }

    private static (int From, int To) Draw(KeyedRandom key, int steps)
    {
        var from = key.NextInt(0, steps);
        return (from, key.NextInt(from + 1, steps + 1));
    }

    private static Objective Objective(KeptPairs kept, FineGrid grid, (int From, int To)[] places)
    {
        (double From, double To)[] times = [.. places.Select(place => (grid.Levels[place.From], grid.Levels[place.To]))];
        var (from, to) = (kept.At([.. places.Select(static place => place.From)]), kept.At([.. places.Select(static place => place.To)]));
        var target = (to - from) / Jump.Each(from, times, static time => time.To - time.From);
        var errors = SampleErrors.Square(kept.Batch.ConditionalMap(from, times), target);
        return new Objective(errors.mean().to(from.dtype), new Measurement("jumps", errors.detach()), new Measurement("transport", RectifiedFlow.Mean(target.square())));
    }
}
