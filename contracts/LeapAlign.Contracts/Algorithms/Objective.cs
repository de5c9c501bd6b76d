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
        : this(loss, measurements, 1, false)
    {
    }

    private Objective(Tensor loss, IReadOnlyList<NamedTensor> measurements, double share, bool endsUpdate) =>
        (Loss, Measurements, Share, EndsUpdate) = (loss, measurements, share, endsUpdate);

    /// <summary>The scalar to run backward on.</summary>
    public Tensor Loss { get; }

    /// <summary>Named tensors, any shape.</summary>
    public IReadOnlyList<NamedTensor> Measurements { get; }

    /// <summary>The factor of the loss in its update: 1/n when the update is the mean of n objectives.</summary>
    public double Share { get; }

    /// <summary>Whether the weights are updated before the next objective is asked for.</summary>
    public bool EndsUpdate { get; }

    /// <summary>The same objective with its share multiplied.</summary>
    public Objective Times(double share) => new(Loss, Measurements, Share * share, EndsUpdate);

    /// <summary>The same objective as the last of an update.</summary>
    public Objective Updating() => new(Loss, Measurements, Share, true);
}
