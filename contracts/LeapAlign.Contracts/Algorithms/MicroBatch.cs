using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.Samplers;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Algorithms;

/// <summary>B samples that go through the network together. The tensors belong to the host.</summary>
/// <param name="services">Evaluates the network and the rewards.</param>
public sealed class MicroBatch(IStepServices services)
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

    /// <summary>The adapters that each sample wears, by their names among the candidates of the run's adapter (<see cref="Adapters.ICandidateAdapters"/>); empty where none does.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Worn { get; init; } = [];

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

    /// <summary>
    /// The key of the draws that all samples of this micro-batch share, such as training times and the steps that are trained. Noise of samples is <see cref="Normal(string)"/>.
    /// </summary>
    public required RandomKey Random { get; init; }

    /// <summary>The key of the step, below which each sample has its own: <c>sample=n / algorithm</c>.</summary>
    public required RandomKey StepKey { get; init; }

    /// <summary>The whole way from noise to data, without added noise.</summary>
    public SamplingPath Path => new(Schedule, Velocity)
    {
        Map = (latents, from, to) => Map(latents, [(Schedule.Sigma(from), Schedule.Sigma(to))]),
        Ahead = new Lookahead(AheadOf(static batch => batch.Network), AheadOf(static batch => batch.Taught), step => Uniform("draft", step)),
    };

    /// <summary>The same way without guidance.</summary>
    public SamplingPath ConditionalPath => new(Schedule, (latents, step) => Conditional(latents, [Schedule.Sigma(step)]))
    {
        Map = (latents, from, to) => ConditionalMap(latents, [(Schedule.Sigma(from), Schedule.Sigma(to))]),
    };

    /// <summary>The model for these samples, conditioning and the run's guidance applied; with gradient when gradients are enabled.</summary>
    /// <param name="latents">[B, C, h, w], fp32.</param>
    /// <param name="sigmas">One noise level in [0, 1] for all samples, or one for each of the B.</param>
    /// <returns>[B, C, h, w], fp32.</returns>
    public Tensor Network(Tensor latents, IReadOnlyList<double> sigmas) => services.Velocity(this, latents, sigmas, guided: true);

    /// <summary>The model for these samples without guidance: the conditional branch alone. It is <see cref="Network"/> where the run has no guidance.</summary>
    /// <inheritdoc cref="Network"/>
    public Tensor Conditional(Tensor latents, IReadOnlyList<double> sigmas) => services.Velocity(this, latents, sigmas, guided: false);

    /// <summary>The mean velocity of jumps, where the model is a flow map; conditioning and the run's guidance applied, with gradient when gradients are enabled.</summary>
    /// <param name="latents">[B, C, h, w], fp32.</param>
    /// <param name="times">Where each jump begins and ends: one pair of noise levels for all samples, or one for each of the B.</param>
    /// <returns>[B, C, h, w], fp32.</returns>
    /// <exception cref="NotSupportedException">The model is none: require <see cref="Plugins.Capabilities.FlowMap"/>.</exception>
    public Tensor Map(Tensor latents, IReadOnlyList<(double From, double To)> times) => services.MeanVelocity(this, latents, times, guided: true);

    /// <summary><see cref="Map"/> without guidance.</summary>
    /// <inheritdoc cref="Map"/>
    public Tensor ConditionalMap(Tensor latents, IReadOnlyList<(double From, double To)> times) => services.MeanVelocity(this, latents, times, guided: false);

    /// <summary>The velocity that the run's second, frozen model predicts for these samples, with the run's guidance and without gradient.</summary>
    /// <param name="latents">[B, C, h, w], fp32.</param>
    /// <param name="sigmas">One noise level in [0, 1] for all samples, or one for each of the B.</param>
    /// <returns>[B, C, h, w], fp32.</returns>
    /// <exception cref="NotSupportedException">There is none: require <see cref="Plugins.Capabilities.Teacher"/>.</exception>
    public Tensor Taught(Tensor latents, IReadOnlyList<double> sigmas) => services.Taught(this, latents, sigmas);

    /// <summary><see cref="Network"/> along <see cref="Schedule"/>: what samplers call and algorithms decorate.</summary>
    /// <param name="latents">[B, C, h, w], fp32.</param>
    /// <param name="step">The step of the schedule, from 0.</param>
    public Tensor Velocity(Tensor latents, int step) => Network(latents, [Schedule.Sigma(step)]);

    /// <summary>
    /// Decodes latents and scores the pictures with the trained rewards, with gradient when gradients are enabled and the rewards are differentiable.
    /// </summary>
    /// <param name="latents">[B, C, h, w] at σ = 0, or several whole batches one after another, [m·B, C, h, w].</param>
    /// <returns>The rewards, [B] or [m·B].</returns>
    public Scores Score(Tensor latents) => services.Score(this, latents);

    /// <summary>The latents of the pictures that come with the prompts. Encoded when asked for, without gradient.</summary>
    /// <param name="number">Which of each prompt's <see cref="Prompt.Pictures"/>, from 0.</param>
    /// <returns>[B, C, h, w].</returns>
    public Tensor Pictures(int number) => services.Pictures(this, number);

    /// <summary>The latents of one picture of each prompt, not the same for all. Encoded when asked for, without gradient.</summary>
    /// <param name="numbers">For each prompt which of its <see cref="Prompt.Pictures"/>, from 0.</param>
    /// <returns>[B, C, h, w].</returns>
    public Tensor Pictures(IReadOnlyList<int> numbers) => services.Pictures(this, numbers);

    /// <summary>Some of the samples as a micro-batch of their own: fewer samples cost fewer evaluations.</summary>
    /// <param name="chosen">Their places in this one, in the order wanted. A sample may come more than once.</param>
    public MicroBatch Select(IReadOnlyList<int> chosen)
    {
        ArgumentNullException.ThrowIfNull(chosen);
        return new MicroBatch(services)
        {
            Index = Index,
            Prompts = [.. chosen.Select(place => Prompts[place])],
            Samples = [.. chosen.Select(place => Samples[place])],
            Worn = Worn.Count == 0 ? [] : [.. chosen.Select(place => Worn[place])],
            // Indexing needs values, which tensors on the "meta" device have none of.
            Noise = stack(chosen.Select(place => Noise.select(0, place))),
            Schedule = Schedule,
            Sampler = Sampler,
            Random = Random,
            StepKey = StepKey,
        };
    }

    /// <summary>The same samples under other captions: noise, draws and pictures stay, and the network is asked with these. Rewards are asked about the prompts of the micro-batch whose latents they score.</summary>
    /// <param name="captions">B captions.</param>
    public MicroBatch Under(IReadOnlyList<string> captions)
    {
        ArgumentNullException.ThrowIfNull(captions);
        if (captions.Count != Prompts.Count) throw new ArgumentException($"{captions.Count} captions were given for {Prompts.Count} samples", nameof(captions));
        return Again([.. Prompts.Zip(captions, static (prompt, caption) => prompt with { Text = caption })], Worn);
    }

    /// <summary>
    /// The same samples with adapters of the run's candidates beside what is trained: noise, draws, captions and pictures stay, and the network is asked with these. Samples that wear the same are evaluated together. Requires
    /// <c>adapter-candidates</c>.
    /// </summary>
    /// <param name="worn">For each of the B samples the names of what it wears; none wears nothing.</param>
    public MicroBatch Wearing(IReadOnlyList<IReadOnlyList<string>> worn)
    {
        ArgumentNullException.ThrowIfNull(worn);
        if (worn.Count != Prompts.Count) throw new ArgumentException($"adapters were given for {worn.Count} of {Prompts.Count} samples", nameof(worn));
        return Again(Prompts, worn);
    }

    /// <summary>What the network is told of the captions as a whole: their pooled embeddings by text encoders that nothing trains, [B, width], fp32, without gradient. Requires <c>features</c>.</summary>
    public Tensor Captions() => services.Captions(this);

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

    /// <summary>A number for each sample, uniform in [0, 1) and under the sample's own key, as <see cref="Normal(string, long)"/>.</summary>
    /// <param name="purpose">What it is for.</param>
    /// <param name="index">A step or copy of that purpose.</param>
    public IReadOnlyList<double> Uniform(string purpose, long index) =>
        [.. Samples.Select(sample => StepKey.For("sample", sample).For("algorithm").For(purpose, index).Open().NextDouble())];

    private MicroBatch Again(IReadOnlyList<Prompt> prompts, IReadOnlyList<IReadOnlyList<string>> worn) => new(services)
    {
        Index = Index,
        Prompts = prompts,
        Samples = Samples,
        Worn = worn,
        Noise = Noise,
        Schedule = Schedule,
        Sampler = Sampler,
        Random = Random,
        StepKey = StepKey,
    };

    private VelocityAhead AheadOf(Func<MicroBatch, NetworkVelocity> network) => (latents, samples, steps) =>
    {
        // Repeated samples are a batch of their own; its noise, which nobody reads, goes with the scope.
        using var scope = NewDisposeScope();
        return network(Select(samples))(latents, [.. steps.Select(Schedule.Sigma)]).MoveToOuterDisposeScope();
    };

    private Tensor Drawn(Func<RandomKey, RandomKey> purpose) =>
        RandomKey.NormalOfEach(Samples.Select(sample => purpose(StepKey.For("sample", sample).For("algorithm"))), _shape, _device);
}
