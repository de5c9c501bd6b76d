using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Samplers;

namespace LeapAlign.Contracts.Algorithms;

/// <summary>The sizes of a run that an algorithm may depend on.</summary>
/// <param name="Schedule">The noise levels.</param>
/// <param name="Batch">B, samples of a micro-batch.</param>
/// <param name="Accumulation">Micro-batches of a step.</param>
/// <param name="Group">K, samples of a prompt.</param>
public sealed record RunShape(Schedule Schedule, int Batch, int Accumulation = 1, int Group = 1)
{
    /// <summary>The sampler of training, for algorithms that depend on its steps; null when it is not known.</summary>
    public ISampler? Sampler { get; init; }

    /// <summary>
    /// The shards that a step is (<c>run.shards</c>), each of <see cref="Accumulation"/> / Shards micro-batches. An algorithm makes as many updates in each; one that joins samples of several
    /// micro-batches in one loss can do so within a shard alone.
    /// </summary>
    public int Shards { get; init; } = 1;

    /// <summary>The names of the adapters that samples may wear (<see cref="MicroBatch.Wearing"/>); empty where the run's adapter holds none, null where they are not known.</summary>
    public IReadOnlyList<string>? Candidates { get; init; }

    /// <summary>Says what the samples of the run's first policy come from, for algorithms that keep samples for other runs; null where it is not known. It looks at the files of the model.</summary>
    public Func<SampleOrigin>? Origin { get; init; }
}
