using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Quantization;

/// <summary>One of the tensors that a quantised weight is stored as.</summary>
/// <param name="Suffix">Its name is that of the weight and this.</param>
/// <param name="Type">Its type.</param>
/// <param name="Shape">Its shape.</param>
public sealed record StoredPart(string Suffix, ScalarType Type, IReadOnlyList<long> Shape);

/// <summary>
/// A way to store the weight of a linear layer in fewer bits. It is for frozen weights: what is stored is never updated. Products unpack a weight into a buffer in
/// the precision of the arithmetic, and multiply their output by <see cref="OutputScale"/> where the form has one (docs/decisions/0041).
/// </summary>
public abstract class Quantization
{
    /// <summary>The forms that settings name.</summary>
    public static IReadOnlyList<Quantization> All { get; } = [new Int8Quantization(), new Nf4Quantization()];

    /// <summary>The word of settings.</summary>
    public abstract string Name { get; }

    /// <summary>The form of this name; null for <c>none</c>.</summary>
    /// <exception cref="ArgumentException">There is no such form.</exception>
    public static Quantization? Of(string name) =>
        name == "none" ? null : All.FirstOrDefault(form => form.Name == name) ?? throw new ArgumentException($"there is no quantization '{name}'", nameof(name));

    /// <summary>What a weight is stored as.</summary>
    /// <param name="outputs">Its rows.</param>
    /// <param name="inputs">Its columns.</param>
    public abstract IReadOnlyList<StoredPart> Parts(long outputs, long inputs);

    /// <summary>Computes one of the parts.</summary>
    /// <param name="part">Which, in the order of <see cref="Parts"/>.</param>
    /// <param name="rows">Some rows of the weight, fp32.</param>
    /// <returns>These rows of the part.</returns>
    public abstract Tensor Quantise(int part, Tensor rows);

    /// <summary>The columns of a buffer for <see cref="Unpack"/>: at least those of the weight.</summary>
    internal virtual long BufferColumns(long inputs) => inputs;

    /// <summary>Writes a weight into a buffer, without its <see cref="OutputScale"/>.</summary>
    /// <param name="parts">What it is stored as.</param>
    /// <param name="buffer">[out, <see cref="BufferColumns"/>] in the precision of the arithmetic.</param>
    internal abstract void Unpack(IReadOnlyList<Tensor> parts, Tensor buffer);

    /// <summary>[out], by which rows of the weight are multiplied after <see cref="Unpack"/>, exact in every precision of arithmetic; null for nothing.</summary>
    internal virtual Tensor? OutputScale(IReadOnlyList<Tensor> parts) => null;

    // A scale that the arithmetic would round were another scale than the one that was quantised with: it is rounded to bf16 first, upwards, so that nothing is cut off.
    private protected static Tensor RoundedUp(Tensor scale)
    {
        var rounded = scale.to(ScalarType.BFloat16).to(ScalarType.Float32);
        const double next = 1 + 1.0 / 128;
        return where(rounded.lt(scale), scale.mul(next).to(ScalarType.BFloat16).to(ScalarType.Float32), rounded);
    }
}

/// <summary>Opens weights that are stored in fewer bits.</summary>
/// <param name="weights">Those that may be, with their names in the files.</param>
/// <returns>The tensors of <see cref="Quantization.Parts"/> under the weights' names and the parts' suffixes, and how they are stored. The caller closes the file; tensors over it stay valid.</returns>
public delegate Result<(SafetensorsFile Source, Quantization Form)> QuantizedSource(IReadOnlyList<(Weight Weight, string FileName)> weights);
