namespace LeapAlign.Contracts.Samplers;

/// <summary>
/// A sampler that evaluates states before it knows whether its path goes through them (<see cref="SamplingPath.Ahead"/>). It calls no velocity step by step where a path can look ahead and has noise: algorithms that decorate the velocity
/// of a path cannot work with it, and those that learn from the steps of a rollout are told of them (<see cref="SamplingPath.Passed"/>).
/// </summary>
public interface ISpeculativeSampler : IStochasticSampler
{
    /// <summary>Whether the run's model drafts for the teacher: samples are the teacher's. Otherwise they are the run's policy's, whoever drafts.</summary>
    bool DraftsForTeacher { get; }
}
