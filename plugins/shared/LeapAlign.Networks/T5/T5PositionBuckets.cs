using LeapAlign.Networks.Configuration;
using static TorchSharp.torch;

namespace LeapAlign.Networks.T5;

/// <summary>
/// The buckets in which T5 sorts the distance from a query to a key: half of them for keys after the query; in each half, half for exact distances and
/// the rest logarithmically wider up to a distance from which all share the last.
/// </summary>
/// <param name="Count">All buckets (<c>relative_attention_num_buckets</c>).</param>
/// <param name="MaximalDistance">The distance from which the last bucket holds (<c>relative_attention_max_distance</c>).</param>
public sealed record T5PositionBuckets(long Count, long MaximalDistance)
{
    /// <summary>The bucket of every pair of positions.</summary>
    /// <param name="length">Tokens T.</param>
    /// <param name="device">Where the result is made.</param>
    /// <returns>[T, T] int64: row i, column j is the bucket of <c>j − i</c>.</returns>
    public Tensor Of(long length, Device device)
    {
        var positions = arange(length, dtype: int64, device: device);
        return Of(positions.unsqueeze(0) - positions.unsqueeze(1));
    }

    /// <summary>The bucket of each relative position <c>key − query</c>.</summary>
    /// <param name="relative">int64, any shape.</param>
    /// <returns>int64, the same shape.</returns>
    public Tensor Of(Tensor relative)
    {
        ArgumentNullException.ThrowIfNull(relative);
        var half = Count / 2;
        var exact = half / 2;
        var distance = relative.abs();
        // In fp32 and in the reference's order of operations: the boundaries (16, 32, 64 with the usual numbers) lie exactly on whole numbers, and
        // another rounding would move them by one. Distances below `exact` are clamped only to keep the logarithm finite; they are not used.
        var octaves = distance.clamp(min: exact).to(float32).div(exact).log().div(Math.Log((double)MaximalDistance / exact)).mul(half - exact);
        var wide = octaves.to(int64).add(exact).clamp(max: half - 1);
        var after = relative.gt(0).to(int64).mul(half);
        return after + where(distance.lt(exact), distance, wide);
    }

    internal static T5PositionBuckets From(ConfigReader reader)
    {
        var count = reader.Count("relative_attention_num_buckets", 32);
        if (count < 4) reader.Reject("relative_attention_num_buckets", $"is {count}, expected 4 or more");
        var distance = reader.Count("relative_attention_max_distance", 128);
        if (distance <= count / 4) reader.Reject("relative_attention_max_distance", $"is {distance}, expected more than a quarter of the {count} buckets");
        return new T5PositionBuckets(count, distance);
    }
}
