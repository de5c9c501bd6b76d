using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Storage.Safetensors;

/// <summary>Named tensors on disk.</summary>
public interface IWeightSource
{
    /// <summary>Where the tensors come from, for messages.</summary>
    string Location { get; }

    /// <summary>The names, shapes and types, without reading a tensor.</summary>
    IReadOnlyDictionary<string, WeightEntry> Entries { get; }

    /// <summary>Reads one tensor to the CPU, in the type of the file.</summary>
    /// <returns>A tensor that the caller owns, or a fault when the file cannot be read.</returns>
    Result<Tensor> Read(string name);
}

/// <summary>What a file says about a tensor.</summary>
/// <param name="Type">Its precision.</param>
/// <param name="Shape">Its shape.</param>
public sealed record WeightEntry(ScalarType Type, IReadOnlyList<long> Shape);
