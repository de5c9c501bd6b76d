using LeapAlign.Contracts.Algorithms;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Grpo;

/// <summary>One initial state for all samples of a prompt, wherever in the step they are.</summary>
internal static class SharedNoise
{
    public static Tensor Of(AlignmentStep step, MicroBatch batch)
    {
        var drawn = batch.Prompts.Select(static prompt => prompt.Id).Distinct()
            .ToDictionary(static id => id, id => step.Random.For("group noise", id).Normal(batch.Noise.shape.AsSpan(1), batch.Noise.device));
        return stack(batch.Prompts.Select(prompt => drawn[prompt.Id])).to(batch.Noise.dtype);
    }
}
