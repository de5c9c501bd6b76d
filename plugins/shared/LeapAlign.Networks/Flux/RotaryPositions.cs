using static TorchSharp.torch;

namespace LeapAlign.Networks.Flux;

/// <summary>
/// Rotary positions: each pair <c>(x₂ᵢ, x₂ᵢ₊₁)</c> of a query or key turns by an angle that grows with one number of its token's place, so that their product depends
/// on differences of places.
/// </summary>
/// <param name="Cosines">[T, d/2] fp32.</param>
/// <param name="Sines">[T, d/2] fp32.</param>
internal readonly record struct RotaryPositions(Tensor Cosines, Tensor Sines)
{
    private const double Base = 10000;

    /// <summary>The angles <c>place · 10000^(−2i/w)</c> for i = 0..w/2−1, of one axis of width w after the other.</summary>
    /// <param name="places">[T, axes].</param>
    /// <param name="widths">How much of a head's width turns with each axis; even numbers.</param>
    public static RotaryPositions Of(Tensor places, IReadOnlyList<int> widths)
    {
        using var scope = NewDisposeScope();
        // In fp64 up to the cosine: at places in the hundreds an fp32 angle would be off by 1e-5.
        var wide = places.to(ScalarType.Float64);
        var angles = cat([.. widths.Select((width, axis) => wide.select(1, axis).unsqueeze(1) * Frequencies(width, Base, places.device))], 1);
        return new(angles.cos().to(ScalarType.Float32).MoveToOuterDisposeScope(), angles.sin().to(ScalarType.Float32).MoveToOuterDisposeScope());
    }

    /// <summary>Turns queries or keys.</summary>
    /// <param name="heads">[B, heads, T, d].</param>
    /// <returns>The same shape and type.</returns>
    public Tensor Turn(Tensor heads)
    {
        using var scope = NewDisposeScope();
        // In fp32 or wider, whatever the compute type is, and rounded once.
        var pairs = (heads.dtype == ScalarType.Float64 ? heads : heads.to(ScalarType.Float32)).unflatten(3, [-1, 2]);
        var (first, second) = (pairs.select(4, 0), pairs.select(4, 1));
        return stack([(first * Cosines) - (second * Sines), (second * Cosines) + (first * Sines)], 4).flatten(3).to(heads.dtype).MoveToOuterDisposeScope();
    }

    /// <summary><c>θ^(−2i/w)</c> for i = 0..w/2−1, fp64.</summary>
    /// <param name="width">w.</param>
    /// <param name="rotaryBase">θ.</param>
    /// <param name="device">Where the result goes.</param>
    public static Tensor Frequencies(int width, double rotaryBase, Device device) =>
        arange(0, width, 2, dtype: ScalarType.Float64, device: device).mul(-Math.Log(rotaryBase) / width).exp();
}
