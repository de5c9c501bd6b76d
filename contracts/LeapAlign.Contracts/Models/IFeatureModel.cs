using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Models;

/// <summary>
/// A model that lets others look at the hidden states of its network: rewards of latents (<see cref="Rewards.ILatentReward"/>) are made of them. It provides <see cref="Plugins.Capabilities.Features"/>.
/// </summary>
public interface IFeatureModel : IModel
{
    /// <summary>The blocks of its network.</summary>
    int Blocks { get; }

    /// <summary>The width of an image token between blocks.</summary>
    int FeatureWidth { get; }

    /// <summary>The width of the pooled caption that its network is given.</summary>
    int CaptionWidth { get; }

    /// <summary>The pooled captions that its network is given. They come of text encoders, which nothing trains.</summary>
    /// <param name="conditioning">The captions of B samples.</param>
    /// <returns>[B, <see cref="CaptionWidth"/>], fp32, without gradient.</returns>
    Tensor Captions(Conditioning conditioning);

    /// <summary>What the features are a function of: a SHA-256 of the files of the network, in hexadecimal digits. Reading it may take as long as reading the files.</summary>
    /// <returns>A fault when they cannot be read.</returns>
    Result<string> FeatureContent();

    /// <summary>
    /// Opens the features after some blocks. They are those of the weights that the model was opened with, whatever is trained, used as a policy or attached as an adapter meanwhile: one function from the
    /// beginning of a run to its end. Opened before the first update and before a checkpoint is restored; weights that are trained are kept once more for them, as far as the features need them, in the precision
    /// of the run.
    /// </summary>
    /// <param name="blocks">After how many blocks, from 1 to <see cref="Blocks"/>. No block after them is evaluated.</param>
    IFeatures OpenFeatures(int blocks);
}

/// <summary>Hidden states of a network, of fixed weights.</summary>
public interface IFeatures : IDisposable
{
    /// <summary>The hidden states of the image's tokens, with gradient to the latents when gradients are enabled.</summary>
    /// <param name="latents">[B, C, ...], fp32.</param>
    /// <param name="sigmas">One noise level in [0, 1] for all samples, or one for each of the B.</param>
    /// <param name="conditioning">For the same B samples. What it says of the captions counts; a branch to lead away from is not evaluated.</param>
    /// <returns>[B, tokens, width], fp32: to the last bit what the velocity of the same weights is made of.</returns>
    Tensor Tokens(Tensor latents, IReadOnlyList<double> sigmas, Conditioning conditioning);

    /// <summary>The pooled captions that the network is given.</summary>
    /// <param name="conditioning">The captions of B samples.</param>
    /// <returns>[B, caption width], fp32, without gradient.</returns>
    Tensor Captions(Conditioning conditioning);
}
