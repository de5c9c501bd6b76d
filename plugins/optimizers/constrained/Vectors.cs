using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Constrained;

/// <summary>Lists of tensors as one vector.</summary>
internal static class Vectors
{
    /// <summary>The product of two, in fp64; parts that are not there are 0.</summary>
    public static double Dot(this IEnumerable<Tensor?> first, IEnumerable<Tensor?> second) => first.Zip(second).Sum(static pair =>
    {
        if (pair is not ({ } one, { } other)) return 0;
        using var scope = NewDisposeScope();
        return (one.detach().to(ScalarType.Float64) * other.detach().to(ScalarType.Float64)).sum().item<double>();
    });
}
