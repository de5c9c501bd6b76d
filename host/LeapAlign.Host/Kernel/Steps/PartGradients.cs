using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Kernel.Rewards;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>
/// Losses and gradients of a step part by part: the algorithm's, then those of each objective. What one part added up in the parameters is joined over shards and processes and put aside when the next begins.
/// It costs the memory of one gradient for each part.
/// </summary>
/// <param name="parameters">Everything that has gradients.</param>
/// <param name="gradients">Joins them.</param>
/// <param name="ranks">The processes of the run.</param>
/// <param name="owners">The algorithm, and the objectives in their order.</param>
/// <param name="batches">The micro-batches of each process.</param>
internal sealed class PartGradients(ParameterSet parameters, ShardGradients gradients, RunRanks ranks, IReadOnlyList<PartPlan> owners, int batches) : IDisposable
{
    private readonly List<Tensor?[]> _closed = [];
    private readonly double[] _losses = new double[owners.Count * batches];

    /// <summary>Forgets an update that was left out.</summary>
    public void Begin()
    {
        Dispose();
        Array.Clear(_losses);
    }

    /// <summary>A part's loss comes; those before it are complete.</summary>
    /// <param name="owner">The part.</param>
    public void Turn(PartPlan owner)
    {
        while (_closed.Count < owners.Count && !ReferenceEquals(owners[_closed.Count], owner)) Close();
    }

    /// <summary>Takes a loss, with its share.</summary>
    public void Add(PartPlan owner, int? batch, double loss) => _losses[(IndexOf(owner) * batches) + (batch ?? 0)] += loss;

    /// <summary>Completes all parts, and leaves the sum of their gradients in the parameters.</summary>
    public void End()
    {
        while (_closed.Count < owners.Count) Close();
        using var _ = no_grad();
        for (var place = 0; place < parameters.Count; place++)
        {
            using var scope = NewDisposeScope();
            Tensor[] all = [.. _closed.Select(part => part[place]).OfType<Tensor>()];
            if (all.Length > 0) parameters[place].Value.grad = all.Skip(1).Aggregate(all[0].clone(), static (sum, next) => sum.add_(next));
        }
    }

    /// <summary>What was taken, once it ended.</summary>
    /// <param name="of">The parameters that are asked about.</param>
    /// <param name="weighing">The weights of the rewards.</param>
    /// <param name="lent">Whether the tensors stay here, or go to the scope of the caller.</param>
    public StepParts Of(ParameterSet of, RewardWeighing weighing, bool lent)
    {
        int[] places = [.. of.Select(parameter => parameters.ToList().FindIndex(other => ReferenceEquals(other.Value, parameter.Value)))];
        var losses = ranks.MeanRows("losses of the step's parts", _losses, batches);
        StepGradient Part(int owner) => new(
            losses[owner],
            [.. places.Select(place => lent ? _closed[owner][place] : _closed[owner][place]?.alias())]);
        return new StepParts(
            Part(0), Enumerable.Range(1, owners.Count - 1).ToDictionary(owner => owners[owner].Name, Part, StringComparer.Ordinal), weighing.Slopes(ranks, batches));
    }

    public void Dispose()
    {
        foreach (var gradient in _closed.SelectMany(static part => part)) gradient?.Dispose();
        _closed.Clear();
    }

    private void Close()
    {
        gradients.Join();
        var part = new Tensor?[parameters.Count];
        for (var place = 0; place < part.Length; place++)
        {
            part[place] = parameters[place].Value.grad?.DetachFromDisposeScope();
            parameters[place].Value.grad = null;
        }
        _closed.Add(part);
    }

    private int IndexOf(PartPlan owner)
    {
        for (var index = 0; index < owners.Count; index++)
        {
            if (ReferenceEquals(owners[index], owner)) return index;
        }
        throw new InvalidOperationException($"'{owner.Name}' is no part of this step's losses");
    }
}
