using static TorchSharp.torch;

namespace LeapAlign.Adapters.Files;

/// <summary>
/// Puts a scale into B and takes it out again. A power of two goes in and out exactly. Any other is rounded when it goes in; what comes out is a B that gives, scaled and rounded, the
/// same bits again: the factors may differ from the trained ones in the last place, the update that a reader of the file sees does not.
/// </summary>
internal static class LoraScale
{
    /// <summary>B times the scale, rounded once to fp32, in the dispose scope of the caller.</summary>
    public static Tensor PutIn(Tensor b, double scale)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        return (b.to(ScalarType.Float64) * scale).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <summary>An fp32 tensor that <see cref="PutIn"/> makes the given one of, wherever there is one.</summary>
    public static Tensor TakeOut(Tensor scaled, double scale)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var nearest = (scaled.to(ScalarType.Float64) / scale).to(ScalarType.Float32);
        // The trained value is the nearest one or a neighbour of it: rounding moved it by half a unit of the scaled one, which is at most one unit here.
        foreach (var direction in (double[])[double.NegativeInfinity, double.PositiveInfinity])
        {
            var neighbour = nextafter(nearest, full_like(nearest, direction));
            nearest = where(PutIn(nearest, scale).eq(scaled).logical_or(PutIn(neighbour, scale).ne(scaled)), nearest, neighbour);
        }
        return nearest.MoveToOuterDisposeScope();
    }
}
