using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Losses;

/// <summary>Means over groups as a matrix: whatever the groups are, a mean is one product, and its shape does not depend on them.</summary>
internal static class GroupMeans
{
    /// <summary>Row k averages over the samples of k's group.</summary>
    /// <param name="groups">Samples with the same number are a group.</param>
    /// <param name="device">Where the matrix goes.</param>
    /// <returns>[B, B], fp64.</returns>
    public static Tensor Rows(IReadOnlyList<int> groups, Device device)
    {
        var sizes = groups.CountBy(static group => group).ToDictionary();
        return Matrix(groups.Count, (row, column) => groups[row] == groups[column] ? 1.0 / sizes[groups[row]] : 0, device);
    }

    /// <summary>Every row averages with the same weights.</summary>
    /// <param name="weights">B numbers whose sum is 1.</param>
    /// <param name="device">Where the matrix goes.</param>
    /// <returns>[B, B], fp64.</returns>
    public static Tensor Rows(double[] weights, Device device) => Matrix(weights.Length, (_, column) => weights[column], device);

    private static Tensor Matrix(int size, Func<int, int, double> entry, Device device)
    {
        double[] entries = [.. Enumerable.Range(0, size * size).Select(place => entry(place / size, place % size))];
        return tensor(entries, dtype: ScalarType.Float64).reshape(size, size).to(device);
    }
}
