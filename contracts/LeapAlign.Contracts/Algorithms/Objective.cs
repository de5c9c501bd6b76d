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

    private Objective(Tensor loss, IReadOnlyList<Measurement> measurements, double share, bool endsUpdate) =>
        (Loss, Measurements, Share, EndsUpdate) = (loss, measurements, share, endsUpdate);

    /// <summary>The scalar to run backward on.</summary>
    public Tensor Loss { get; }

    /// <summary>What was measured.</summary>
    public IReadOnlyList<Measurement> Measurements { get; }

    /// <summary>The factor of the loss in its update: 1/n when the update is the mean of n objectives.</summary>
    public double Share { get; }

    /// <summary>Whether the weights are updated before the next objective is asked for.</summary>
    public bool EndsUpdate { get; }

    /// <summary>The same objective with its share multiplied.</summary>
    public Objective Times(double share) => new(Loss, Measurements, Share * share, EndsUpdate);

    /// <summary>The same objective as the last of an update.</summary>
    public Objective Updating() => new(Loss, Measurements, Share, true);
}
