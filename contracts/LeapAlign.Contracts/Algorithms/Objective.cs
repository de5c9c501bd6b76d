using LeapAlign.Contracts.Models;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Algorithms;

/// <summary>A loss to descend, and what was measured on the way. It does not own its tensors: they live in the scope of the step.</summary>
public sealed class Objective
{
    /// <summary>Takes a loss and its measurements.</summary>
    /// <param name="loss">A scalar with a graph.</param>
    /// <param name="measurements">Named tensors without graph; the host logs the mean of each.</param>
    public Objective(Tensor loss, params IReadOnlyList<NamedTensor> measurements)
    {
        Loss = loss;
        Measurements = measurements;
    }

    /// <summary>The scalar to run backward on; already a mean over the micro-batch.</summary>
    public Tensor Loss { get; }

    /// <summary>Named tensors, any shape.</summary>
    public IReadOnlyList<NamedTensor> Measurements { get; }
}
