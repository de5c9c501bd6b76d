using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Methods.Matching;
using LeapAlign.Methods.Times;
using static TorchSharp.torch;

namespace LeapAlign.Objectives.Anchors;

/// <summary>
/// Where an objective evaluates the network: <c>x_σ = (1−σ) x_0 + σ ε</c> with σ and ε of each sample's own, drawn anew for every update. They do not depend on the
/// micro-batch that a sample is in.
/// </summary>
/// <param name="name">The objective's name in the run: another one draws otherwise.</param>
/// <param name="settings">Training times.</param>
internal sealed class AnchorPoints(string name, SampleTimeSettings settings)
{
    private readonly TrainingTimes _times = new(settings.Sampling());

    /// <summary>The points of a micro-batch, one for each training time, made when they are asked for.</summary>
    /// <param name="batch">The micro-batch.</param>
    /// <param name="clean">x_0, [B, C, h, w].</param>
    /// <param name="update">The update of the step.</param>
    public IEnumerable<NoisedSamples> Of(MicroBatch batch, Tensor clean, int update)
    {
        RandomKey[] keys = [.. batch.Samples.Select(sample => batch.StepKey.For("sample", sample).For("objective").For(name).For("update", update))];
        var times = _times.DrawEach([.. keys.Select(static key => key.For("times"))], batch.Schedule);
        return times.Select((sigmas, time) => new NoisedSamples(clean, RandomKey.NormalOfEach(keys.Select(key => key.For("noise", time)), clean.shape.AsSpan(1), clean.device).to(clean.dtype), sigmas));
    }
}
