using LeapAlign.Contracts.Algorithms;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Direct;

/// <summary>
/// The gradient of a loss on the final sample through a path of any length, with memory for one step (step checkpointing): a rollout without gradient keeps the
/// states, then the chain rule is applied one step at a time, backwards. With <c>g_N = ∂L/∂x_N</c>, the backward of <c>⟨g_{i+1}, x_{i+1}(x_i, θ)⟩</c> gives the
/// weights their part of the gradient and x_i its <c>g_i</c>.
/// <para>
/// Each step is a piece of the path of its own, in the rollout too, so that the gradient is exactly that of the sample that was scored; a multistep sampler is of
/// first order on such pieces.
/// </para>
/// </summary>
/// <param name="step">Keeps the states.</param>
/// <param name="batch">The samples.</param>
/// <param name="first">The first step that the gradient goes through.</param>
internal sealed class AdjointSweep(AlignmentStep step, MicroBatch batch, int first)
{
    private readonly Stack<Tensor> _states = [];

    /// <summary>The sequence of objectives: the loss, then one for each step, whose value is 0.</summary>
    /// <param name="loss">Given x_N, the loss of the micro-batch.</param>
    public IEnumerable<Objective> Objectives(Func<Tensor, Objective> loss)
    {
        Roll();
        var leaf = _states.Pop().requires_grad_();
        yield return loss(leaf).Times(1.0 / step.Batches.Count).From(batch);
        while (_states.TryPop(out var state))
        {
            var adjoint = Adjoint(leaf);
            leaf = state;
            // The share of the micro-batch is in the adjoint already.
            yield return Pull(adjoint, state);
        }
    }

    private void Roll()
    {
        _states.Push(step.Keep(StillPath.To(batch, first)));
        using var _ = no_grad();
        for (var index = first; index < batch.Schedule.Steps; index++) _states.Push(step.Keep(Advance(_states.Peek(), index)));
    }

    private Objective Pull(Tensor adjoint, Tensor state)
    {
        var index = first + _states.Count;
        // Nothing asks for the gradient of the state that the rollout reached without one.
        if (index > first) state.requires_grad_();
        var pulled = (adjoint * Advance(state, index)).sum();
        return new Objective(pulled - pulled.detach()).From(batch);
    }

    private Tensor Advance(Tensor state, int index) => batch.Sampler.Roll(state, batch.Path with { From = index, To = index + 1 });

    private static Tensor Adjoint(Tensor leaf)
    {
        var adjoint = leaf.grad ?? throw new InvalidOperationException("backward was not run on an objective before the next was asked for");
        leaf.Dispose();
        return adjoint;
    }
}
