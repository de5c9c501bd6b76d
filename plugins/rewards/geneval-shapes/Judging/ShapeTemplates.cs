using LeapAlign.Shapes;

namespace LeapAlign.Rewards.GenevalShapes.Judging;

/// <summary>What each shape looks like, a little turned to either side.</summary>
internal static class ShapeTemplates
{
    /// <summary>A region less similar to every template has no shape.</summary>
    public const double LeastLikeness = 0.72;

    // Drawn large, with one sample a pixel: as the regions they are compared with, templates are made of whole pixels.
    private const float Radius = 26;
    private const int Width = 80;

    private static readonly double[] s_angles = [-0.2, -0.1, 0, 0.1, 0.2];

    private static readonly (ShapeClass Shape, Silhouette Silhouette)[] s_templates =
        [.. Enum.GetValues<ShapeClass>().SelectMany(static shape => s_angles.Select(angle => (shape, Draw(shape, angle))))];

    /// <summary>Finds the shape of the most similar template.</summary>
    /// <returns>The shape, null when even that is too little similar, and how similar it is.</returns>
    public static (ShapeClass? Shape, double Likeness) Recognise(Silhouette silhouette)
    {
        var (best, likeness) = (default(ShapeClass), 0.0);
        foreach (var (shape, template) in s_templates)
        {
            var similar = silhouette.Likeness(template);
            if (similar > likeness) (best, likeness) = (shape, similar);
        }
        return (likeness < LeastLikeness ? null : best, likeness);
    }

    private static Silhouette Draw(ShapeClass shape, double angle)
    {
        var (sin, cos) = ((float)Math.Sin(angle), (float)Math.Cos(angle));
        List<int> pixels = [];
        for (var pixel = 0; pixel < Width * Width; pixel++)
        {
            var (dx, dy) = ((pixel % Width) - (Width / 2), (pixel / Width) - (Width / 2));
            if (ShapeOutline.Contains(shape, (cos * dx) + (sin * dy), (cos * dy) - (sin * dx), Radius)) pixels.Add(pixel);
        }
        return new Silhouette([.. pixels], Width);
    }
}
