using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Kernel.Stages;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Rewards;

/// <summary>What rewards score. It does not own the tensors.</summary>
/// <param name="prompts">B prompts.</param>
internal sealed class ScoredSamples(IReadOnlyList<Prompt> prompts)
{
    /// <summary>B prompts.</summary>
    public IReadOnlyList<Prompt> Prompts => prompts;

    /// <summary>[B, 3, H, W] in [0, 1]; null where only rewards of latents score.</summary>
    public Tensor? Images { get; init; }

    /// <summary>Clean latents, [B, C, ...]; null where only rewards of pictures score.</summary>
    public Tensor? Latents { get; init; }

    /// <summary>Makes the conditioning that rewards of latents may ask for, without guidance.</summary>
    public Func<Conditioning> Encode { get; init; } = static () => throw new InvalidOperationException("there is no model");

    /// <summary>Latents and what rewards may ask about them.</summary>
    /// <param name="latents">Handed to a reward.</param>
    public LatentSamples Of(Tensor latents) => new(latents, [0], prompts, Encode);

    /// <summary>Encodes captions as rewards of latents see them.</summary>
    /// <param name="model">Encodes.</param>
    /// <param name="size">The size of the pictures.</param>
    /// <param name="stages">Hear of it.</param>
    /// <param name="prompts">The captions.</param>
    public static Conditioning Encoded(IModel model, ImageSize size, OpenStages stages, IReadOnlyList<Prompt> prompts) =>
        stages.Encode(model, new ConditioningRequest([.. prompts.Select(static prompt => prompt.Text)], Guidance.None, size));
}
