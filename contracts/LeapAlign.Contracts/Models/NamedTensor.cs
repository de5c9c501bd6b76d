using static TorchSharp.torch;

namespace LeapAlign.Contracts.Models;

/// <summary>A tensor and its name. It does not own the tensor.</summary>
/// <param name="name">For a weight: its name in the checkpoint.</param>
/// <param name="value">The tensor.</param>
public sealed class NamedTensor(string name, Tensor value)
{
    /// <summary>The name.</summary>
    public string Name { get; } = name;

    /// <summary>The tensor.</summary>
    public Tensor Value { get; } = value;
}
