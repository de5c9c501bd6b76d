using LeapAlign.Contracts.Randomness;
using LeapAlign.Host.Filtering;
using LeapAlign.Host.Kernel.Pictures;
using SkiaSharp;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Filtering;

/// <summary>The mathematics of <c>filter</c>: poses, errors and what is kept.</summary>
public sealed class FilterTests
{
    [Fact]
    public void A_row_is_kept_in_its_best_pose_where_that_is_below_the_threshold()
    {
        double[][] errors = [[.060, .072, .090], [.110, .081, .095], [.069, .068, .200]];
        var verdicts = FilterChoice.Of(Trials(errors), .07);
        Assert.Equal([0, 1, 1], verdicts.Select(static verdict => verdict.Best.Pose.Turns));
        Assert.Equal([true, false, true], verdicts.Select(static verdict => verdict.Kept));
    }

    [Fact]
    public void No_more_than_a_share_is_kept_and_those_of_the_lowest_errors()
    {
        double[][] errors = [[.3], [.1], [.2], [.05], [.9]];
        Assert.Equal([false, true, false, true, false], FilterChoice.Of(Trials(errors), .5, atMost: .5).Select(static verdict => verdict.Kept));
        Assert.Equal([true, true, true, true, false], FilterChoice.Of(Trials(errors), .5).Select(static verdict => verdict.Kept));
        // Of equal ones the first, and of equal trials too.
        var equal = FilterChoice.Of(Trials([[.1, .1], [.1, .1]]), .5, atMost: .5);
        Assert.Equal([(0, true), (0, false)], equal.Select(static verdict => (verdict.Best.Pose.Turns, verdict.Kept)));
    }

    [Theory]
    [InlineData(90, 3.7)]
    [InlineData(100, 4)]
    [InlineData(50, 2.5)]
    [InlineData(1, 1.03)]
    public void A_percentile_lies_between_its_neighbours(double percent, double expected) => Assert.Equal(expected, FilterChoice.Percentile([4, 1, 3, 2], percent), 12);

    [Fact]
    public void A_percentile_of_one_number_is_that() => Assert.Equal(.25, FilterChoice.Percentile([.25], 90));

    // Data N(m, s²) of one dimension, whose velocity is known: the error of a point rises as −log p does.
    [Fact]
    public void Errors_of_a_known_flow_are_in_the_order_of_its_density()
    {
        using var scope = NewDisposeScope();
        const double mean = .5, deviation = .8;
        Tensor Velocity(Tensor x, IReadOnlyList<double> sigmas)
        {
            var sigma = tensor(sigmas.ToArray()).unsqueeze(1);
            var variance = ((1 - sigma).square() * deviation * deviation) + sigma.square();
            return -mean + ((sigma - ((1 - sigma) * deviation * deviation)) / variance * (x - ((1 - sigma) * mean)));
        }
        var errors = new DensityErrors(64, RandomKey.OfRun(5));
        double[] points = [.5, .9, -.1, 1.4, -.9, 2.4, -2.4];
        double[] found = [.. points.Select(point => errors.Of(Velocity, tensor(new[] { point }), batch: 64))];
        Assert.Equal(points.OrderBy(static point => Math.Abs(point - mean)), points.Zip(found).OrderBy(static each => each.Second).Select(static each => each.First));
        // Neither the batch nor another sample changes an error.
        Assert.Equal(found[3], errors.Of(Velocity, tensor(new[] { points[3] }), batch: 5), 12);
        Assert.Equal(found, points.Select(point => new DensityErrors(64, RandomKey.OfRun(5)).Of(Velocity, tensor(new[] { point }), batch: 64)));
        Assert.NotEqual(found[0], new DensityErrors(64, RandomKey.OfRun(6)).Of(Velocity, tensor(new[] { points[0] }), batch: 64));
    }

    [Fact]
    public void An_error_is_the_mean_over_levels_of_the_squared_distance_to_the_velocity_of_the_path()
    {
        using var scope = NewDisposeScope();
        var key = RandomKey.OfRun(1);
        var errors = new DensityErrors(3, key);
        Assert.Equal([.1 + (.8 / 6), .5, .9 - (.8 / 6)], errors.Sigmas, new Near());
        var sample = tensor(new[] { .3f, -.7f }).view(2, 1, 1);
        List<double> seen = [];
        var found = errors.Of((noisy, sigmas) =>
        {
            foreach (var (sigma, at) in sigmas.Zip(noisy.unbind()))
            {
                var noise = (at - (sample * (1 - sigma))) / sigma;
                seen.Add(((at * 2) - (noise - sample)).square().mean().item<float>());
            }
            return noisy * 2;
        }, sample, batch: 2);
        Assert.Equal(3, seen.Count);
        Assert.Equal(seen.Average(), found, 1e-5);
    }

    [Fact]
    public void Poses_turn_clockwise_after_they_mirror_and_change_no_pixel()
    {
        // 1 2 3
        // 4 5 6
        using var picture = Picture(3, [1, 2, 3, 4, 5, 6]);
        Assert.Equal([1, 2, 3, 4, 5, 6], Pixels(new Pose(0), picture));
        Assert.Equal([4, 1, 5, 2, 6, 3], Pixels(new Pose(1), picture));
        Assert.Equal([6, 5, 4, 3, 2, 1], Pixels(new Pose(2), picture));
        Assert.Equal([3, 6, 2, 5, 1, 4], Pixels(new Pose(3), picture));
        Assert.Equal([3, 2, 1, 6, 5, 4], Pixels(new Pose(0, Mirrored: true), picture));
        Assert.Equal([6, 3, 5, 2, 4, 1], Pixels(new Pose(1, Mirrored: true), picture));
        using var turned = new Pose(1).Of(picture);
        Assert.Equal((2, 3), (turned.Width, turned.Height));
        Assert.Equal([Pose.AsItIs], Pose.All(turns: false, flips: false));
        Assert.Equal(8, Pose.All(turns: true, flips: true).Distinct().Count());
        Assert.Equal("mirrored, turned 90", new Pose(1, Mirrored: true).ToString());
    }

    private static IReadOnlyList<IReadOnlyList<FilterTrial>> Trials(double[][] errors) =>
        [.. errors.Select(static row => (IReadOnlyList<FilterTrial>)[.. row.Select(static (error, turn) => new FilterTrial(new Pose(turn), "a caption", error))])];

    private static SKBitmap Picture(int width, byte[] reds)
    {
        var picture = new SKBitmap(new SKImageInfo(width, reds.Length / width, SKColorType.Rgba8888, SKAlphaType.Opaque));
        for (var i = 0; i < reds.Length; i++) picture.SetPixel(i % width, i / width, new SKColor(reds[i], 0, 9));
        return picture;
    }

    private static byte[] Pixels(Pose pose, SKBitmap picture)
    {
        using var laid = pose.Of(picture);
        return [.. Enumerable.Range(0, laid.Width * laid.Height).Select(i => laid.GetPixel(i % laid.Width, i / laid.Width).Red)];
    }

    private sealed class Near : IEqualityComparer<double>
    {
        public bool Equals(double x, double y) => Math.Abs(x - y) < 1e-12;

        public int GetHashCode(double obj) => 0;
    }
}
