using LeapAlign.Contracts.Rewards;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Tests;

public sealed class PictureBytesTests
{
    [Fact]
    public void Pixels_follow_each_other_row_by_row_with_their_channels_together()
    {
        using var scope = NewDisposeScope();
        // Two pictures, 3 channels, 2 rows, 4 columns: each value tells where it was.
        var images = arange(2 * 3 * 2 * 4, dtype: float32).view(2, 3, 2, 4) / 255;
        var pictures = PictureBytes.Of(images);
        Assert.All(pictures, static picture => Assert.Equal((4, 2), (picture.Width, picture.Height)));
        Assert.Equal((byte[])[0, 8, 16, 1, 9, 17], pictures[0].Rgb[..6].ToArray());
        Assert.Equal((byte[])[24 + 7, 24 + 15, 24 + 23], pictures[1].Rgb[^3..].ToArray());
    }

    [Theory]
    [InlineData(0.499, 0)]
    [InlineData(0.5, 0)]
    [InlineData(0.501, 1)]
    [InlineData(1.5, 2)]
    [InlineData(254.6, 255)]
    [InlineData(-3, 0)]
    [InlineData(300, 255)]
    public void Values_are_rounded_half_to_even_and_clamped(double value, byte expected)
    {
        using var scope = NewDisposeScope();
        var picture = PictureBytes.Of(full(1, 3, 1, 1, value / 255, dtype: float64)).Single();
        Assert.Equal([expected, expected, expected], picture.Rgb.ToArray());
    }

    [Fact]
    public void Scores_are_in_the_order_of_the_pictures_and_no_number_for_what_is_no_picture()
    {
        using var scope = NewDisposeScope();
        var images = stack([zeros(3, 2, 2), ones(3, 2, 2), ones(3, 2, 2)]);
        images[2, 1, 0, 1] = float.PositiveInfinity;
        images.requires_grad_();
        var alive = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using var scores = PictureBytes.Score(images, static (picture, i) => (10 * i) + picture.Rgb.Span[0]);
        Assert.Equal(alive + 1, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        Assert.Equal((float32, false), (scores.dtype, scores.requires_grad));
        Assert.Equal([0, 265, float.NaN], scores.data<float>().ToArray());
    }

    [Fact]
    public void Other_shapes_are_refused()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() => PictureBytes.Of(zeros(3, 2, 2)));
        Assert.Throws<ArgumentException>(() => PictureBytes.Of(zeros(1, 4, 2, 2)));
        Assert.Throws<ArgumentException>(() => new PictureBytes(new byte[11], 2, 2));
    }
}
