using static TorchSharp.torch;

namespace LeapAlign.Networks.Quantization;

/// <summary>
/// Symmetric int8 with one scale for each output channel: one byte a weight, and an error of 0.9 % of normal weights. The scale is applied to the output of the product,
/// so that unpacking is a cast.
/// </summary>
internal sealed class Int8Quantization : Quantization
{
    private const double Largest = 127;
    private const double NoSmaller = 1e-30;

    /// <inheritdoc/>
    public override string Name => "int8";

    /// <inheritdoc/>
    public override IReadOnlyList<StoredPart> Parts(long outputs, long inputs) =>
        [new(".int8", ScalarType.Int8, [outputs, inputs]), new(".scale", ScalarType.Float32, [outputs])];

    /// <inheritdoc/>
    public override Tensor Quantise(int part, Tensor rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        using var scope = NewDisposeScope();
        // A row of zeros has any scale.
        var scale = RoundedUp(rows.abs().amax([1]).div(Largest).clamp_min(NoSmaller));
        return (part == 1 ? scale : rows.div(scale.unsqueeze(1)).round_().to(ScalarType.Int8)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    internal override void Unpack(IReadOnlyList<Tensor> parts, Tensor buffer) => buffer.copy_(parts[0]);

    /// <inheritdoc/>
    internal override Tensor OutputScale(IReadOnlyList<Tensor> parts) => parts[1];
}
