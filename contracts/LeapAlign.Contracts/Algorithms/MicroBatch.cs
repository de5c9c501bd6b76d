using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Algorithms;

/// <summary>B samples that go through the network together. The tensors belong to the host.</summary>
public sealed class MicroBatch
{
    // Of the noise, which a batch that was selected inside a dispose scope may outlive.
    private long[] _shape = [];
    private Device _device = CPU;

    /// <summary>Its place in the step, from 0.</summary>
    public int Index { get; init; }

    /// <summary>B prompts. Samples with the same <see cref="Prompt.Id"/> are a group, also across the micro-batches of a step; a group's samples are neighbours.</summary>
    public required IReadOnlyList<Prompt> Prompts { get; init; }

    /// <summary>
    /// The number of each sample among all samples of the step, over its micro-batches and ranks, from 0: a sample keeps it however the step is cut. Prompts and
    /// noise belong to it.
    /// </summary>
    public required IReadOnlyList<long> Samples { get; init; }

    /// <summary>The initial state at σ_0, [B, C, h, w], fp32.</summary>
    public required Tensor Noise
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            (field, _shape, _device) = (value, value.shape[1..], value.device);
        }
    }

    /// <summary>The noise levels.</summary>
    public required Schedule Schedule { get; init; }

    /// <summary>Integrates the flow.</summary>
    public required ISampler Sampler { get; init; }

    /// <summary>The model for these samples, conditioning and the run's guidance applied.</summary>
    public required NetworkVelocity Network { get; init; }

    /// <summary>The model for these samples without guidance: the conditional branch alone. It is <see cref="Network"/> where the run has no guidance.</summary>
    public NetworkVelocity Conditional { get => field ?? Network; init; }

    /// <summary>
    /// decode &gt;&gt; score: latents [B, C, h, w] to the trained rewards [B], with gradient when gradients are enabled and the rewards are differentiable. It
    /// also takes several whole batches one after another, [m·B, C, h, w] to [m·B].
    /// </summary>
    public required Stage<Tensor, Scores> Score { get; init; }

    /// <summary>
    /// The key of the draws that all samples of this micro-batch share, such as training times and the steps that are trained. Noise of samples is <see cref="Normal(string)"/>.
    /// </summary>
    public required RandomKey Random { get; init; }

    /// <summary>The key of the step, below which each sample has its own: <c>sample=n / algorithm</c>.</summary>
    public required RandomKey StepKey { get; init; }

    /// <summary>
    /// The latents [B, C, h, w] of the pictures that come with the prompts, by their number among a prompt's <see cref="Prompt.Pictures"/>. Encoded when asked
    /// for, without gradient.
    /// </summary>
    public Func<int, Tensor> Pictures { get; init; } = static _ => throw new InvalidOperationException("the prompts of this run come without pictures");

    /// <summary>
    /// Some of the samples as a micro-batch of their own, in the order given: fewer samples cost fewer evaluations. A sample may come more than once.
    /// </summary>
    public Func<IReadOnlyList<int>, MicroBatch> Select { get; init; } = static _ => throw new InvalidOperationException("this batch cannot be taken apart");

    /// <summary>
    /// Standard normal noise for the algorithm, each sample's under the sample's own key: it does not depend on the micro-batch or the rank that the sample is
    /// in. A sample that comes twice has the same noise twice.
    /// </summary>
    /// <param name="purpose">What it is for: another purpose gives other noise.</param>
    /// <returns>[B, C, h, w], fp32, on the device of <see cref="Noise"/>, which need not be there any more.</returns>
    public Tensor Normal(string purpose) => Drawn(sample => sample.For(purpose));

    /// <inheritdoc cref="Normal(string)"/>
    /// <param name="purpose">What it is for.</param>
    /// <param name="index">A step or copy of that purpose.</param>
    public Tensor Normal(string purpose, long index) => Drawn(sample => sample.For(purpose, index));

    /// <summary><see cref="Network"/> along <see cref="Schedule"/>: what samplers call and algorithms decorate.</summary>
    public Velocity Velocity => (latents, step) => Network(latents, [Schedule.Sigma(step)]);

    /// <summary>The whole way from noise to data, without added noise.</summary>
    public SamplingPath Path => new(Schedule, Velocity);

    private Tensor Drawn(Func<RandomKey, RandomKey> purpose) =>
        RandomKey.NormalOfEach(Samples.Select(sample => purpose(StepKey.For("sample", sample).For("algorithm"))), _shape, _device);
}
