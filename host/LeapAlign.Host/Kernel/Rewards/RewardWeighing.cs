using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Kernel.Ranks;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Rewards;

/// <summary>
/// The weights that an optimizer gave the trained rewards of a step, as variables: each scoring of a micro-batch has its own, so that derivatives add up in one order however many processes share the step.
/// </summary>
/// <param name="weights">By the names of rewards; others have weight 0 and no gradient.</param>
/// <param name="ended">What ends with it.</param>
internal sealed class RewardWeighing(IReadOnlyDictionary<string, double> weights, Action ended) : IDisposable
{
    private readonly List<(string Reward, int Batch, Tensor Variable)> _variables = [];

    /// <summary>A reward's scores under its weight.</summary>
    /// <param name="batch">The micro-batch, by its place in this process.</param>
    /// <param name="reward">The reward.</param>
    /// <param name="values">[B], normalised.</param>
    public RewardColumn Column(int batch, string reward, Tensor values)
    {
        // Without a gradient nothing runs back into a reward that has no part in the loss.
        if (!weights.TryGetValue(reward, out var weight)) return new RewardColumn(reward, 0, values.detach());
        var variable = tensor(weight, ScalarType.Float64, device: values.device, requires_grad: true).DetachFromDisposeScope();
        _variables.Add((reward, batch, variable));
        return new RewardColumn(reward, weight, values) { Variable = variable };
    }

    /// <summary>The derivatives of the losses that backward was run on, a mean over processes.</summary>
    /// <param name="ranks">The processes of the run.</param>
    /// <param name="batches">The micro-batches of each.</param>
    public IReadOnlyDictionary<string, double> Slopes(RunRanks ranks, int batches)
    {
        string[] names = [.. weights.Keys.Order(StringComparer.Ordinal)];
        var own = new double[names.Length * batches];
        foreach (var (reward, batch, variable) in _variables)
        {
            if (variable.grad is { } slope) own[(Array.IndexOf(names, reward) * batches) + batch] += slope.item<double>();
        }
        return names.Zip(ranks.MeanRows("derivatives in the weights of rewards", own, batches)).ToDictionary(static slope => slope.First, static slope => slope.Second, StringComparer.Ordinal);
    }

    public void Dispose()
    {
        foreach (var (_, _, variable) in _variables) variable.Dispose();
        _variables.Clear();
        ended();
    }
}
