using FsCheck.Xunit;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Rewards.GenevalShapes.Judging;
using LeapAlign.Shapes;

namespace LeapAlign.Rewards.GenevalShapes.Tests;

/// <summary>Colours of pixels and regions of a colour.</summary>
public sealed class SegmentationTests
{
    private const byte Ground = Palette.ObjectColors;

    // Red .86 .13 .13 and so on, then the greys .88 .95 1.00.
    private static readonly double[][] Colors =
    [
        [.86, .13, .13], [.98, .55, .08], [.95, .86, .12], [.13, .62, .25], [.13, .33, .86], [.52, .18, .70], [.97, .52, .76], [.08, .08, .08],
        [.88, .88, .88], [.95, .95, .95], [1, 1, 1],
    ];

    [Property(MaxTest = 500)]
    public void A_pixel_takes_the_nearest_colour(byte r, byte g, byte b)
    {
        byte[] pixel = [r, g, b];
        var distances = Colors.Select(color => color.Select((value, i) => Math.Pow(value - (pixel[i] / 255.0), 2)).Sum()).ToList();
        Assert.Equal(distances.Min(), distances[Palette.Classify(pixel).Single()], 1e-12);
    }

    [Fact]
    public void Pixels_connect_by_their_sides_alone()
    {
        byte[] classes =
        [
            0, 8, 0, 0,
            0, 8, 8, 0,
            8, 0, 8, 1,
            8, 9, 10, 1,
        ];
        var regions = ConnectedComponents.Find(classes, 4, 1);
        Assert.Equal([(ShapeColor.Red, "0 4"), (ShapeColor.Red, "2 3 7"), (ShapeColor.Red, "9"), (ShapeColor.Orange, "11 15")], regions.Select(Text));
        Assert.Equal([(ShapeColor.Red, "2 3 7")], ConnectedComponents.Find(classes, 4, 3).Select(Text));
    }

    [Fact]
    public void Rows_do_not_run_into_each_other()
    {
        byte[] classes = [Ground, Ground, 0, 0, Ground, Ground];
        Assert.Equal(2, ConnectedComponents.Find(classes, 3, 1).Count);
        Assert.Single(ConnectedComponents.Find(classes, 6, 1));
    }

    [Theory]
    [InlineData(64, 64, 44, false)]
    [InlineData(64, 64, 45, true)]
    [InlineData(128, 128, 179, false)]
    [InlineData(128, 128, 180, true)]
    [InlineData(64, 128, 89, false)]
    [InlineData(64, 128, 90, true)]
    public void The_smallest_object_grows_with_the_picture(int width, int height, int area, bool seen)
    {
        var rgb = new byte[width * height * 3];
        rgb.AsSpan().Fill(byte.MaxValue);
        // Black from the first pixel on, row after row.
        rgb.AsSpan(0, area * 3).Clear();
        Assert.Equal(seen ? 1 : 0, ObjectFinder.Find(new PictureBytes(rgb, width, height)).Count);
    }

    private static (ShapeColor Color, string Pixels) Text((ShapeColor Color, int[] Pixels) region) => (region.Color, string.Join(' ', region.Pixels.Order()));
}
