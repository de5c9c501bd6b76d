using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Objectives;
using LeapAlign.Methods.Matching;
using static TorchSharp.torch;

namespace LeapAlign.Objectives.Anchors;

/// <summary>
/// The loss of supervised fine-tuning, <c>mean (v − (ε − x_0))²</c> on the pictures that come with the prompts (arXiv 2210.02747): while a reward pulls, pictures of the kind
/// that the model should go on drawing hold it.
/// </summary>
/// <param name="name">Its name in the run.</param>
/// <param name="settings">Training times.</param>
public sealed class FlowMatchingObjective(string name, FlowMatchingSettings settings) : IObjective
{
    private readonly AnchorPoints _points = new(name, settings);

    /// <inheritdoc/>
    public Objective Of(AlignmentStep step, MicroBatch batch, int update)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return new(stack([.. _points.Of(batch, batch.Pictures(0), update).Select(at => FlowMatching.Errors(at, batch))]).mean());
    }
}
