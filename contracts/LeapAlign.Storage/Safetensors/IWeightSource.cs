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

    /// <summary>
    /// A tensor on the CPU, in the type of the file, whose memory may be the file's own: it is read when it is touched, takes no memory that the system cannot take back,
    /// and **must not be written to**. Sources that cannot do that read it.
    /// </summary>
    /// <returns>A tensor that the caller owns and that outlives the source, or a fault when the file cannot be read.</returns>
    Result<Tensor> Map(string name) => Read(name);

    /// <summary>
    /// Looks whether the files that <see cref="Map"/> mapped are what they were when they were opened, while tensors over them live; also after the source was closed.
    /// Where a mapped file is cut short the system ends the process with SIGBUS at the next touch, so whoever computes with such tensors looks first.
    /// </summary>
    /// <returns>A fault that names the first file that was cut or written to.</returns>
    Result<Unit> CheckMapped() => Unit.Value;
}

/// <summary>What a file says about a tensor.</summary>
/// <param name="Type">Its precision.</param>
/// <param name="Shape">Its shape.</param>
public sealed record WeightEntry(ScalarType Type, IReadOnlyList<long> Shape);
