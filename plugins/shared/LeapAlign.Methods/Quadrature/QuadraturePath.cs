using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using static TorchSharp.torch;

namespace LeapAlign.Methods.Quadrature;

/// <summary>
/// Leaps from noise to data along one rollout, each starting where the one before arrived: at such a step j the state is <c>C(x̂_j, x_j)</c>, with the value of
/// the real state and the gradient of the leap, and the network there sees <c>G_α</c> of it. All other steps are evaluated at the rollout's states without
/// their history. The velocities that carry gradient are recorded while the sampler passes them, and it continues with their values: N evaluations in all.
/// Of the others only the sum is kept.
/// </summary>
/// <param name="batch">The samples.</param>
/// <param name="leaps">One after another; the last one arrives at the final sample.</param>
/// <param name="alpha">α, how much of its input's gradient the network passes on where one leap joins the next.</param>
public sealed class QuadraturePath(MicroBatch batch, IReadOnlyList<QuadratureLeap> leaps, double alpha)
{
    private readonly Dictionary<int, QuadratureNode> _nodes = leaps.SelectMany(static leap => leap.Nodes).ToDictionary(static node => node.Step);
    private readonly List<Tensor> _distances = [];
    private Tensor? _predicted;

    private Tensor Predicted => _predicted ?? throw new InvalidOperationException($"the sampler did not pass step {leaps[0].From}");

    /// <summary>d = mean |x̂ − x| at the end of each leap, [B], fp64, without gradient, measured before the connector.</summary>
    public IReadOnlyList<Tensor> Distances => _distances;

    /// <summary>Rolls out.</summary>
    /// <param name="reforward">
    /// Whether the steps that carry gradient are evaluated once more after a whole rollout without gradient, of which every state and velocity is kept, as
    /// published; the gradient is the same.
    /// </param>
    /// <returns>The connected final sample, [B, C, h, w]: the value of the rollout's, the gradient of the leaps.</returns>
    public Tensor Follow(bool reforward)
    {
        var reached = reforward ? RollThenRecord() : Roll((latents, step) => Pass(latents, step, batch.Velocity));
        return Arrive(reached);
    }

    private Tensor Roll(Velocity velocity)
    {
        using var _ = no_grad();
        return batch.Sampler.Roll(batch.Noise, batch.Path with { Velocity = velocity });
    }

    private Tensor RollThenRecord()
    {
        List<(Tensor State, Tensor Velocity)> visited = [];
        var reached = Roll((latents, step) =>
        {
            var velocity = batch.Velocity(latents, step);
            visited.Add((latents.alias(), velocity.alias()));
            return velocity;
        });
        for (var step = 0; step < visited.Count; step++)
        {
            var (state, velocity) = visited[step];
            Pass(state, step, (_, _) => velocity).Dispose();
            state.Dispose();
        }
        return reached;
    }

    /// <summary>Takes a step into the leap.</summary>
    /// <param name="latents">The rollout's state.</param>
    /// <param name="step">The step.</param>
    /// <param name="plain">The velocity where it carries no gradient.</param>
    /// <returns>The velocity, without gradient.</returns>
    private Tensor Pass(Tensor latents, int step, Velocity plain)
    {
        var starts = leaps.Any(leap => leap.From == step);
        var input = starts ? Start(latents, step) : latents.detach();
        if (!_nodes.TryGetValue(step, out var node)) return plain(latents, step);
        if (node.GradientWeight is { } weight) return Record(input, node, weight);
        var velocity = plain(latents, step);
        Add(velocity, node.Weight);
        return velocity;
    }

    /// <summary>Begins the leap from a step.</summary>
    /// <returns>What the network sees there.</returns>
    private Tensor Start(Tensor latents, int step)
    {
        using var _ = enable_grad();
        var connected = step == leaps[0].From ? latents.detach() : Arrive(latents.detach());
        _predicted = connected.alias();
        return RectifiedFlow.ScaleGradient(connected, alpha);
    }

    private Tensor Record(Tensor input, QuadratureNode node, double weight)
    {
        using var _ = enable_grad();
        var velocity = batch.Velocity(input, node.Step);
        var value = velocity.detach();
        if (weight == node.Weight)
        {
            Add(velocity, weight);
        }
        else
        {
            Add(value, node.Weight);
            if (weight != 0) Add(velocity - value, weight);
        }
        return value;
    }

    private Tensor Arrive(Tensor reached)
    {
        using var _ = enable_grad();
        _distances.Add(RectifiedFlow.Distance(Predicted, reached));
        return RectifiedFlow.Connect(Predicted, reached);
    }

    private void Add(Tensor velocity, double weight)
    {
        // Also a constant is added to a sum that may have a graph.
        using var _ = enable_grad();
        var before = Predicted;
        _predicted = RectifiedFlow.Leap(before, velocity, weight);
        before.Dispose();
    }
}
