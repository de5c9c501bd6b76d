using LeapAlign.Contracts.Rewards;
using LeapAlign.Shapes;

namespace LeapAlign.Rewards.GenevalShapes.Judging;

/// <summary>Finds the objects of a picture.</summary>
internal static class ObjectFinder
{
    private const double NativeSize = 64;
    private const double SmallestArea = 45;

    /// <summary>How many times as long as in a picture of 64 x 64 lengths are: √(H·W) / 64.</summary>
    public static double Scale(PictureBytes picture) => Math.Sqrt((double)picture.Width * picture.Height) / NativeSize;

    /// <summary>Finds the regions of one colour that are large enough, and recognises their shapes.</summary>
    /// <returns>By colour, within a colour in the order of their first pixels.</returns>
    public static IReadOnlyList<SeenObject> Find(PictureBytes picture)
    {
        var smallest = SmallestArea * picture.Width * picture.Height / (NativeSize * NativeSize);
        var regions = ConnectedComponents.Find(Palette.Classify(picture.Rgb.Span), picture.Width, smallest);
        return [.. regions.Select(region => Recognise(region.Color, region.Pixels, picture.Width))];
    }

    private static SeenObject Recognise(ShapeColor color, int[] pixels, int width)
    {
        var silhouette = new Silhouette(pixels, width);
        var (shape, likeness) = ShapeTemplates.Recognise(silhouette);
        return new SeenObject(shape, color, silhouette.X, silhouette.Y, pixels.Length, likeness);
    }
}
