using LeapAlign.Contracts.Rewards;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Algorithms;

/// <summary>
/// What a host does for the samples of one step. Algorithms and objectives do not call it: they call the methods of <see cref="AlignmentStep"/> and
/// <see cref="MicroBatch"/>, which say what each of them means. A test of an algorithm implements it with a network of its own.
/// </summary>
public interface IStepServices
{
    /// <summary>The velocity that the model predicts for the samples of a micro-batch, with gradient when gradients are enabled.</summary>
    /// <param name="batch">The samples.</param>
    /// <param name="latents">Their states, [B, C, h, w], fp32.</param>
    /// <param name="sigmas">One noise level in [0, 1] for all samples, or one for each of the B.</param>
    /// <param name="guided">Whether the run's guidance is applied.</param>
    /// <returns>[B, C, h, w], fp32.</returns>
    Tensor Velocity(MicroBatch batch, Tensor latents, IReadOnlyList<double> sigmas, bool guided);

    /// <summary>The mean velocity over jumps of the samples of a micro-batch, where the model is a flow map (<see cref="Models.IFlowMapModel"/>), with gradient when gradients are enabled.</summary>
    /// <param name="batch">The samples.</param>
    /// <param name="latents">Their states, [B, C, h, w], fp32.</param>
    /// <param name="times">Where each jump begins and ends: one pair of noise levels for all samples, or one for each of the B.</param>
    /// <param name="guided">Whether the run's guidance is applied.</param>
    /// <returns>[B, C, h, w], fp32.</returns>
    Tensor MeanVelocity(MicroBatch batch, Tensor latents, IReadOnlyList<(double From, double To)> times, bool guided) => throw new NotSupportedException("the model of this step is no flow map");

    /// <summary>The velocity that the run's teacher predicts, with the run's guidance and without gradient, see <see cref="MicroBatch.Taught"/>.</summary>
    Tensor Taught(MicroBatch batch, Tensor latents, IReadOnlyList<double> sigmas) => throw new NotSupportedException("this step has no teacher");

    /// <summary>What the network is told of the captions as a whole, see <see cref="MicroBatch.Captions"/>.</summary>
    Tensor Captions(MicroBatch batch) => throw new NotSupportedException("the model of this step does not show what it makes of captions");

    /// <summary>The trained rewards of decoded latents, see <see cref="MicroBatch.Score"/>.</summary>
    Scores Score(MicroBatch batch, Tensor latents);

    /// <summary>The pictures that come with the prompts of a micro-batch, as latents, see <see cref="MicroBatch.Pictures(int)"/>.</summary>
    Tensor Pictures(MicroBatch batch, int number);

    /// <summary>One picture of each prompt, see <see cref="MicroBatch.Pictures(IReadOnlyList{int})"/>.</summary>
    Tensor Pictures(MicroBatch batch, IReadOnlyList<int> numbers)
    {
        ArgumentNullException.ThrowIfNull(batch);
        using var scope = NewDisposeScope();
        return cat([.. numbers.Select((number, place) => Pictures(batch.Select([place]), number))]).MoveToOuterDisposeScope();
    }

    /// <summary>Computes with another policy until the returned object is disposed, see <see cref="AlignmentStep.Use"/>.</summary>
    IDisposable Use(string policy);

    /// <summary>What was last sampled for a micro-batch, see <see cref="AlignmentStep.Sampled(MicroBatch)"/>.</summary>
    Tensor? Sampled(MicroBatch batch);

    /// <summary>A state on the way, see <see cref="AlignmentStep.Sampled(MicroBatch, int)"/>.</summary>
    Tensor? Sampled(MicroBatch batch, int at) => null;

    /// <summary>One number for each sample of the whole step, see <see cref="AlignmentStep.OfAllSamples"/>.</summary>
    double[] OfAllSamples(IReadOnlyList<double> own) => [.. own];
}
