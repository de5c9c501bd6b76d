using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Host.Kernel.Pictures;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Telemetry.Spans;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Filtering;

/// <summary>Tries a picture in poses and with captions. One at a time: no error depends on what else is judged.</summary>
/// <param name="model">The model.</param>
/// <param name="pictures">Reads and encodes.</param>
/// <param name="size">The size of the pictures.</param>
internal sealed class FilterTrials(IModel model, PromptPictures pictures, ImageSize size)
{
    /// <summary>Measures.</summary>
    public required DensityErrors Errors { get; init; }

    /// <summary>Hear of it.</summary>
    public required OpenStages Stages { get; init; }

    /// <summary>Samples of one evaluation of the network at most.</summary>
    public required int Batch { get; init; }

    /// <summary>Whether the error without a caption is subtracted.</summary>
    public bool Relative { get; init; }

    /// <summary>The trials of a row: all poses with its own caption first, then with the others.</summary>
    /// <param name="row">A picture and its caption.</param>
    /// <param name="poses">The poses.</param>
    /// <param name="beside">Captions beside its own.</param>
    /// <param name="stop">Ends it between two trials with an exception.</param>
    /// <exception cref="FaultException">The picture cannot be read, or the model failed.</exception>
    public IReadOnlyList<FilterTrial> Of(Prompt row, IReadOnlyList<Pose> poses, IReadOnlyList<string> beside, CancellationToken stop)
    {
        using var scope = NewDisposeScope();
        var latents = pictures.Latents(row.Pictures[0], poses);
        double[] without = Relative ? [.. poses.Select((_, pose) => Error(row, latents[pose], "", stop))] : new double[poses.Count];
        return [.. beside.Where(caption => caption != row.Text).Prepend(row.Text).SelectMany(caption => poses.Select((pose, place) => new FilterTrial(pose, caption, Error(row, latents[place], caption, stop) - without[place])))];
    }

    private double Error(Prompt row, Tensor sample, string caption, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        var error = Errors.Of((noisy, sigmas) => Velocity(noisy, sigmas, caption), sample, Batch);
        return double.IsFinite(error)
            ? error
            : throw new FaultException(new Fault.Run(FaultCodes.StepThrew, FormattableString.Invariant($"the model's velocity for '{row.Pictures[0]}' with the caption '{caption}' is not finite; nothing can be judged by it"), new SourcePlace(row.Pictures[0])));
    }

    private Tensor Velocity(Tensor noisy, IReadOnlyList<double> sigmas, string caption)
    {
        // What captions say is kept by the model, so that each is encoded once.
        using var conditioning = Stages.Encode(model, new ConditioningRequest([.. Enumerable.Repeat(caption, sigmas.Count)], Guidance.None, size));
        var call = new NetworkCall(conditioning.EvaluationsPerVelocity, Gradient: false, sigmas.Count, sigmas.Count == 1 ? sigmas[0] : null);
        return Stages.Velocity(model, call, (noisy, sigmas, conditioning));
    }
}
