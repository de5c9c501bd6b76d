using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Algorithms;

/// <summary>
/// What an algorithm is given for one step of the run: its micro-batches, and the lagged copies of the policy. What the algorithm makes while the host asks
/// for an objective is disposed once the host has run backward on it; <see cref="Keep"/> saves a tensor from that.
/// </summary>
/// <param name="services">Keeps the policies, and what was sampled.</param>
public sealed class AlignmentStep(IStepServices services) : IDisposable
{
    private readonly List<Tensor> _kept = [];

    /// <summary>The step of the run, from 0.</summary>
    public required int Index { get; init; }

    /// <summary>The micro-batches whose gradients make up the step, at least one: those of this process where several share the run.</summary>
    public required IReadOnlyList<MicroBatch> Batches { get; init; }

    /// <summary>
    /// The shards that <see cref="Batches"/> are, the same number of neighbours in each (<c>run.shards</c>). What an algorithm chooses for each update of a step, it
    /// chooses in each shard alike: then the updates do not depend on how many processes share the shards.
    /// </summary>
    public int Shards { get; init; } = 1;

    /// <summary>The key of the draws that all micro-batches share, the same on every rank.</summary>
    public required RandomKey Random { get; init; }

    /// <summary>The usual step: one objective for each micro-batch, the step's gradient being the mean of theirs.</summary>
    /// <param name="objective">The loss of a micro-batch, already a mean over its samples.</param>
    public IEnumerable<Objective> Average(Func<MicroBatch, Objective> objective) => Batches.Select(batch => objective(batch).Times(1.0 / Batches.Count).From(batch));

    /// <summary>One number for each sample of the whole step, in the order of <see cref="MicroBatch.Samples"/>: those of the other processes of the run, too. All processes ask in the same order.</summary>
    /// <param name="own">One number for each sample of <see cref="Batches"/>, in order.</param>
    public double[] OfAllSamples(IReadOnlyList<double> own) => services.OfAllSamples(own);

    /// <summary>
    /// Evaluates the network with the weights of another policy until the returned object is disposed. Without gradients only: no objective may be yielded in
    /// between.
    /// </summary>
    /// <param name="policy">The name of one of <see cref="IAlgorithm.Copies"/>, or <see cref="PolicyCopy.Reference"/>.</param>
    public IDisposable Use(string policy) => services.Use(policy);

    /// <summary>
    /// The latents [B, C, h, w] at σ = 0 that were last sampled for a micro-batch in this step, without gradient; null where nothing was. Objectives beside the
    /// algorithm's learn from them.
    /// </summary>
    public Tensor? Sampled(MicroBatch batch) => services.Sampled(batch);

    /// <summary>
    /// The state [B, C, h, w] at σ_at, without gradient, in which a micro-batch was last sampled on from there in this step; null where that was not, or no objective
    /// asked for it before (<see cref="Objectives.IPathObjective"/>).
    /// </summary>
    /// <param name="batch">The micro-batch.</param>
    /// <param name="at">The step of the schedule, in 0..N−1.</param>
    public Tensor? Sampled(MicroBatch batch, int at) => services.Sampled(batch, at);

    /// <summary>Keeps a tensor until the end of the step.</summary>
    /// <returns>The same tensor.</returns>
    public Tensor Keep(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        _kept.Add(tensor.DetachFromDisposeScope());
        return tensor;
    }

    /// <summary>Disposes what was kept.</summary>
    public void Dispose()
    {
        foreach (var tensor in _kept) tensor.Dispose();
        _kept.Clear();
    }
}
