using LeapAlign.Contracts.Samplers;
using static TorchSharp.torch;

namespace LeapAlign.Samplers.FlowSde.Speculative;

/// <summary>A sample on its way. Its tensors live in the scope around that of a round.</summary>
internal sealed class Traveller(int place, int at, Tensor state)
{
    /// <summary>Its place in the batch.</summary>
    public int Place { get; } = place;

    /// <summary>The step it is at.</summary>
    public int At { get; private set; } = at;

    /// <summary>x at that step, [1, ...].</summary>
    public Tensor State { get; private set; } = state;

    /// <summary>The target's velocity at the step before; null at the first.</summary>
    public Tensor? Last { get; private set; }

    /// <summary>How often the target was evaluated for it.</summary>
    public int Rounds { get; set; }

    /// <summary>Makes a step.</summary>
    /// <param name="next">x behind it, in the scope of a round.</param>
    /// <param name="velocity">The target's before it.</param>
    public void Move(Tensor next, Tensor velocity)
    {
        State.Dispose();
        State = next.alias().MoveToOuterDisposeScope();
        // A part of a whole round's velocities would keep them all.
        Last?.Dispose();
        Last = velocity.clone().MoveToOuterDisposeScope();
        At++;
    }
}

/// <summary>What samples passed of a step, until all have.</summary>
internal sealed class PassedSamples(int samples)
{
    private readonly (Tensor State, Tensor Velocity, Tensor Next)[] _samples = new (Tensor, Tensor, Tensor)[samples];

    /// <summary>Takes a sample's step, made in the scope of a round.</summary>
    public void Take(int place, Tensor state, Tensor velocity, Tensor next) =>
        _samples[place] = (state.alias().MoveToOuterDisposeScope(), velocity.clone().MoveToOuterDisposeScope(), next.alias().MoveToOuterDisposeScope());

    /// <summary>The step of the batch, in the scope of the caller; what samples kept is disposed.</summary>
    public PassedStep At(int index)
    {
        var step = new PassedStep(index, All(static sample => sample.State), All(static sample => sample.Velocity), All(static sample => sample.Next));
        foreach (var (state, velocity, next) in _samples)
        {
            state.Dispose();
            velocity.Dispose();
            next.Dispose();
        }
        return step;
    }

    private Tensor All(Func<(Tensor State, Tensor Velocity, Tensor Next), Tensor> part) => cat([.. _samples.Select(part)]);
}
