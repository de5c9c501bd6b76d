using LeapAlign.Networks.T5;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.TextAndImage;

/// <summary>The buckets of relative positions, with the numbers of every published T5.</summary>
public class T5BucketTests
{
    private static readonly T5PositionBuckets Published = new(32, 128);

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 17)]
    [InlineData(-1, 1)]
    [InlineData(7, 23)]
    [InlineData(8, 24)]
    [InlineData(-8, 8)]
    [InlineData(-11, 8)]
    [InlineData(-12, 9)]
    [InlineData(-15, 9)]
    [InlineData(-16, 10)]
    [InlineData(-22, 10)]
    [InlineData(-23, 11)]
    [InlineData(-32, 12)]
    [InlineData(64, 30)]
    [InlineData(-64, 14)]
    [InlineData(127, 31)]
    [InlineData(-128, 15)]
    [InlineData(300, 31)]
    public void Bucket_of_key_minus_query(long relative, long bucket)
    {
        using var scope = NewDisposeScope();
        Assert.Equal(bucket, Published.Of(tensor(relative, dtype: int64)).item<long>());
    }

    // A GPU's logarithm may fall on the other side of a boundary: the table is made on the CPU and moved.
    [Fact]
    public void A_table_for_another_device_is_the_CPU_s()
    {
        using var scope = NewDisposeScope();
        var buckets = Published.Of(40, META);
        Assert.Equal((TorchSharp.DeviceType.META, int64), (buckets.device_type, buckets.dtype));
        Assert.Equal([40, 40], buckets.shape);
    }

    [Fact]
    public void Rows_are_queries_and_columns_are_keys()
    {
        using var scope = NewDisposeScope();
        var buckets = Published.Of(40, CPU);
        Assert.Equal(Published.Of(tensor(30L)).item<long>(), buckets[3, 33].item<long>());
        Assert.Equal(Published.Of(tensor(-30L)).item<long>(), buckets[33, 3].item<long>());
        // A vector of many lanes and a single number go through different code in the library; both must sit on the same side of a boundary.
        var many = Published.Of(arange(-512, 512, dtype: int64)).data<long>().ToArray();
        for (var relative = -512; relative < 512; relative++)
            Assert.Equal(Published.Of(tensor((long)relative)).item<long>(), many[relative + 512]);
    }
}
