using FsCheck;
using FsCheck.Xunit;
using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Tests;

public sealed class RandomKeyTests
{
    [Property]
    public bool The_same_key_gives_the_same_numbers(long seed, long index)
    {
        ulong Draw() => RandomKey.OfRun(seed).For("noise", index).Open().NextBits();
        return Draw() == Draw();
    }

    [Property]
    public bool Different_purposes_steps_and_seeds_give_different_numbers(long seed, long index)
    {
        var key = RandomKey.OfRun(seed);
        ulong[] draws =
        [
            key.For("noise", index).Open().NextBits(), key.For("noise", index + 1).Open().NextBits(), key.For("leaps", index).Open().NextBits(),
            key.For("noise").For("", index).Open().NextBits(), RandomKey.OfRun(seed + 1).For("noise", index).Open().NextBits(),
        ];
        return draws.Distinct().Count() == draws.Length;
    }

    [Property]
    public bool Integers_stay_in_their_range(long seed, int low, PositiveInt width)
    {
        var high = (int)Math.Min((long)low + width.Get, int.MaxValue);
        if (high <= low) return true;
        var value = RandomKey.OfRun(seed).Open().NextInt(low, high);
        return low <= value && value < high;
    }

    [Property]
    public bool A_shuffle_is_a_permutation(long seed, int[] items)
    {
        var shuffled = RandomKey.OfRun(seed).Open().Shuffle(items);
        return shuffled.Order().SequenceEqual(items.Order());
    }

    [Fact]
    public void Integers_are_uniform()
    {
        var random = RandomKey.OfRun(1).Open();
        var counts = new int[7];
        const int draws = 70_000;
        for (var i = 0; i < draws; i++) counts[random.NextInt(0, counts.Length)]++;
        // Five standard deviations of a binomial count.
        Assert.All(counts, count => Assert.InRange(count, 10_000 - 470, 10_000 + 470));
    }

    [Theory]
    [InlineData(0.4)]
    [InlineData(1.0)]
    [InlineData(4.2)]
    public void Gamma_draws_have_the_mean_and_variance_of_their_shape(double shape)
    {
        var random = RandomKey.OfRun(2).Open();
        const int draws = 40_000;
        var values = Enumerable.Range(0, draws).Select(_ => random.NextGamma(shape)).ToArray();
        var mean = values.Average();
        var variance = values.Sum(value => (value - mean) * (value - mean)) / draws;
        Assert.InRange(mean, shape - (5 * Math.Sqrt(shape / draws)), shape + (5 * Math.Sqrt(shape / draws)));
        Assert.InRange(variance, shape * 0.9, shape * 1.1);
    }

    [Fact]
    public void Normal_noise_depends_on_its_key_alone()
    {
        using var scope = NewDisposeScope();
        var key = RandomKey.OfRun(3).For("noise", 5);
        var first = key.Normal([4, 3, 8, 8], CPU);
        randn(17);
        var second = key.Normal([4, 3, 8, 8], CPU);
        Assert.True(first.eq(second).all().item<bool>());
        Assert.False(first.eq(RandomKey.OfRun(3).For("noise", 6).Normal([4, 3, 8, 8], CPU)).any().item<bool>());
        Assert.InRange(first.mean().item<float>(), -0.2, 0.2);
        Assert.InRange(first.std().item<float>(), 0.9, 1.1);
    }
}
