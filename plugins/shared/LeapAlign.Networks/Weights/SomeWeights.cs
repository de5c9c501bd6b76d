using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Weights;

/// <summary>Those tensors of a file that a network takes, where one file holds several networks.</summary>
/// <param name="source">The file.</param>
/// <param name="takes">Whether a name is one of them.</param>
public sealed class SomeWeights(IWeightSource source, Func<string, bool> takes) : IWeightSource
{
    /// <inheritdoc/>
    public string Location => source.Location;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, WeightEntry> Entries { get; } = source.Entries.Where(entry => takes(entry.Key)).ToDictionary();

    /// <inheritdoc/>
    public Result<Tensor> Read(string name) => source.Read(name);

    /// <inheritdoc/>
    public Result<Tensor> Map(string name) => source.Map(name);

    /// <inheritdoc/>
    public Result<Unit> CheckMapped() => source.CheckMapped();
}
