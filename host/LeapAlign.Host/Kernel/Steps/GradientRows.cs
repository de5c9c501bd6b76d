using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Kernel.Ranks;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>
/// Runs backward on one objective at a time and hands its gradient to an optimization before it is added to the others'. It costs the memory of one gradient more.
/// </summary>
/// <param name="takers">Who takes the rows, each with the parameters that it updates.</param>
/// <param name="all">Everything that has gradients.</param>
/// <param name="ranks">The processes of the run: a row of each of them comes to all.</param>
internal sealed class GradientRows(IReadOnlyList<(IRowOptimization Optimization, ParameterSet Parameters)> takers, ParameterSet all, RunRanks ranks)
{
    private int _index;

    /// <summary>The next row is the first of an update.</summary>
    public void Begin() => _index = 0;

    /// <summary>Runs backward on an objective, and adds its share of the gradient to what is there.</summary>
    /// <param name="objective">The objective.</param>
    /// <param name="backward">Runs backward on a loss.</param>
    public void Backward(Objective objective, Action<Tensor> backward)
    {
        using var scope = NewDisposeScope();
        using var aside = new GradientsAside(all);
        backward(objective.Loss);
        var losses = Gathered(objective.Loss.detach().to(ScalarType.Float64).reshape(1)).Select(static loss => loss.item<double>()).ToList();
        foreach (var (optimization, parameters) in takers)
        {
            var gradients = ranks.IsAlone
                ? parameters.Select(static parameter => (IReadOnlyList<Tensor?>)[parameter.Value.grad]).ToList()
                // A parameter without a gradient in one process may have one in another.
                : [.. parameters.Select(parameter => Gathered((parameter.Value.grad ?? zeros_like(parameter.Value)).unsqueeze(0)))];
            for (var rank = 0; rank < losses.Count; rank++)
                optimization.Take(new GradientRow(_index + rank, losses[rank], objective.Share / losses.Count, [.. gradients.Select(each => each[rank])]));
        }
        _index += losses.Count;
        using var _ = no_grad();
        using TorchSharp.Scalar share = objective.Share;
        foreach (var (parameter, before) in all.Zip(aside.Gradients))
        {
            if (parameter.Value.grad is not { } row) continue;
            if (before is null) aside.Put(parameter, row.mul(share));
            else before.add_(row, share);
        }
    }

    // The rows [1, ...] of all processes, each without its first dimension.
    private List<Tensor> Gathered(Tensor row) => [.. ranks.Gather("rows of gradients", row).Select(static each => each.squeeze(0))];
}
