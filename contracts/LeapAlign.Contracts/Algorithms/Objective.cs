using static TorchSharp.torch;

namespace LeapAlign.Contracts.Algorithms;

/// <summary>A loss to descend, and what was measured on the way. It does not own its tensors: they live in the scope of the step.</summary>
public sealed class Objective
{
    /// <summary>Takes a loss and its measurements.</summary>
    /// <param name="loss">A scalar with a graph.</param>
    /// <param name="measurements">What was measured; the host logs the mean of each, and choices one by one.</param>
    public Objective(Tensor loss, params IReadOnlyList<Measurement> measurements)
        : this(loss, measurements, 1, false)
    {
    }

    private Objective(Tensor? loss, IReadOnlyList<Measurement> measurements, double share, bool endsUpdate) =>
        (_loss, Measurements, Share, EndsUpdate) = (loss, measurements, share, endsUpdate);

    private readonly Tensor? _loss;

    /// <summary>
    /// No loss: it only says that an update ends here. Where there was no loss before it in any process, there is no update either. An algorithm that leaves
    /// losses out needs it, because the processes of a run make the same number of updates.
    /// </summary>
    public static Objective EndOfUpdate { get; } = new(null, [], 0, true);

    /// <summary>Whether there is no loss in it.</summary>
    public bool IsEmpty => _loss is null;

    /// <summary>The scalar to run backward on.</summary>
    /// <exception cref="InvalidOperationException">It is empty.</exception>
    public Tensor Loss => _loss ?? throw new InvalidOperationException("the end of an update has no loss");

    /// <summary>What was measured.</summary>
    public IReadOnlyList<Measurement> Measurements { get; }

    /// <summary>The factor of the loss in its update: 1/n when the update is the mean of n objectives.</summary>
    public double Share { get; }

    /// <summary>Whether the weights are updated before the next objective is asked for.</summary>
    public bool EndsUpdate { get; }

    /// <summary>
    /// The micro-batch that it is the loss of, by its place in <see cref="AlignmentStep.Batches"/>; null where it was not said. A run in shards (<c>run.shards</c>) adds
    /// gradients up shard by shard and has to know.
    /// </summary>
    public int? Batch { get; private init; }

    /// <summary>The same objective with its share multiplied.</summary>
    public Objective Times(double share) => new(_loss, Measurements, Share * share, EndsUpdate) { Batch = Batch };

    /// <summary>The same objective as the last of an update.</summary>
    public Objective Updating() => new(_loss, Measurements, Share, true) { Batch = Batch };

    /// <summary>The same objective as the loss of a micro-batch.</summary>
    public Objective From(MicroBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return new(_loss, Measurements, Share, EndsUpdate) { Batch = batch.Index };
    }
}
