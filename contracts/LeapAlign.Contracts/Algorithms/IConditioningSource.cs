using static TorchSharp.torch;

namespace LeapAlign.Contracts.Algorithms;

/// <summary>
/// An algorithm that learns what the model is told, an <see cref="IAlgorithm"/> that requires <c>features</c>. Evaluations draw what it writes for each caption, and ask rewards about the caption itself.
/// </summary>
public interface IConditioningSource
{
    /// <summary>The captions to draw. They do not depend on the others of a batch, and nothing is drawn by chance.</summary>
    /// <param name="captions">B captions.</param>
    /// <param name="embeddings">What the network is told of them as a whole, [B, width], fp32 (<see cref="Models.IFeatureModel.Captions"/>).</param>
    /// <returns>B captions.</returns>
    IReadOnlyList<string> Write(IReadOnlyList<string> captions, Tensor embeddings);

    /// <summary>The adapters that each caption is drawn with (<see cref="MicroBatch.Wearing"/>), as <see cref="Write"/>; null where it picks none.</summary>
    /// <param name="captions">B captions.</param>
    /// <param name="embeddings">As those of <see cref="Write"/>.</param>
    IReadOnlyList<IReadOnlyList<string>>? Wear(IReadOnlyList<string> captions, Tensor embeddings) => null;
}
