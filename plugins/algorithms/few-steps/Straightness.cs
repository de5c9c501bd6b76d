using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FewSteps;

/// <summary>
/// How far a flow's own paths are from straight lines: <c>S = ∫ mean_d ((ε − x_0) − v(x_σ, σ))² dσ</c> of each path from ε to x_0 (arXiv 2209.03003, with the mean over dimensions in place
/// of the sum). 0 for a flow that one Euler step integrates exactly. It is added up on the way, in fp64, so that no velocity outlives its step.
/// </summary>
internal sealed class Straightness
{
    private Tensor? _squares, _velocities;
    private double _length;

    /// <summary>Measures the trained policy without guidance, from the noise of a micro-batch, along the sampler's path.</summary>
    /// <returns>[B], fp64.</returns>
    public static Tensor Of(MicroBatch batch)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var sum = new Straightness();
        var path = batch.Path with
        {
            Velocity = (latents, step) =>
            {
                var velocity = batch.Conditional(latents, [batch.Schedule.Sigma(step)]);
                sum.Take(velocity, -batch.Schedule.Delta(step, step + 1));
                return velocity;
            },
        };
        var samples = batch.Sampler.Roll(batch.Noise, path);
        return sum.Of(batch.Noise - samples).MoveToOuterDisposeScope();
    }

    /// <summary>Takes the velocity of a piece of the path.</summary>
    /// <param name="velocity">v, [B, ...].</param>
    /// <param name="length">dσ &gt; 0.</param>
    public void Take(Tensor velocity, double length)
    {
        using TorchSharp.Scalar weight = length;
        var exact = velocity.to(ScalarType.Float64);
        var squares = RectifiedFlow.Mean(exact.square()).mul(weight);
        _squares = _squares is null ? squares : _squares.add(squares);
        _velocities = _velocities is null ? exact.mul(weight) : _velocities.add(exact, weight);
        _length += length;
    }

    /// <summary>S.</summary>
    /// <param name="displacement">ε − x_0, the shape of the velocities.</param>
    /// <returns>[B], fp64.</returns>
    public Tensor Of(Tensor displacement)
    {
        using TorchSharp.Scalar twice = -2, length = _length;
        var line = displacement.to(ScalarType.Float64);
        return _squares!.add(RectifiedFlow.Mean(line * _velocities!), twice).add(RectifiedFlow.Mean(line.square()), length);
    }
}
