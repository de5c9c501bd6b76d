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
    /// <param name="device">Where the result goes.</param>
    /// <returns>[T, T] int64: row i, column j is the bucket of <c>j − i</c>.</returns>
    public Tensor Of(long length, Device device)
    {
        // On the CPU whatever the device: the boundaries lie exactly on whole numbers, and another device's logarithm may fall on the other side of them.
        using var scope = NewDisposeScope();
        var positions = arange(length, dtype: int64);
        return Of(positions.unsqueeze(0) - positions.unsqueeze(1)).to(device).MoveToOuterDisposeScope();
    }

    /// <summary>The bucket of each relative position <c>key − query</c>.</summary>
    /// <param name="relative">int64, any shape.</param>
    /// <returns>int64, the same shape.</returns>
    public Tensor Of(Tensor relative)
    {
        ArgumentNullException.ThrowIfNull(relative);
        var half = Count / 2;
        var exact = half / 2;
        // Not abs(), which the "meta" device lacks.
        var distance = relative.maximum(relative.neg());
        // In fp32 and in the reference's order of operations: the boundaries (16, 32, 64 with the usual numbers) lie exactly on whole numbers, and
        // another rounding would move them by one. Distances below `exact` are clamped only to keep the logarithm finite; they are not used.
        var octaves = distance.clamp(min: exact).to(float32).div(exact).log().div(Math.Log((double)MaximalDistance / exact)).mul(half - exact);
        var wide = octaves.to(int64).add(exact).clamp(max: half - 1);
        var after = relative.gt(0).to(int64).mul(half);
        // Selected by a product: the "meta" device has no where().
        var near = distance.lt(exact).to(int64);
        return after + wide + (near * (distance - wide));
    }

    internal static T5PositionBuckets From(ConfigFields fields)
    {
        const string countKey = "relative_attention_num_buckets";
        const string distanceKey = "relative_attention_max_distance";
        var (count, distance) = (fields.Size(countKey, 32), fields.Size(distanceKey, 128));
        fields.Require(count >= 4, countKey, $"is {count}, but has to be 4 or more");
        fields.Require(distance > count / 4, distanceKey, $"is {distance}, but has to be more than a quarter of the {count} buckets");
        return new T5PositionBuckets(count, distance);
    }
}
