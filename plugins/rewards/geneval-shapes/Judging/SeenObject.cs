using LeapAlign.Shapes;

namespace LeapAlign.Rewards.GenevalShapes.Judging;

/// <summary>An object found in a picture.</summary>
/// <param name="Shape">Null when it resembles no shape.</param>
/// <param name="Color">Its colour.</param>
/// <param name="X">Of the centroid, in pixels; 0 is the middle of the leftmost column.</param>
/// <param name="Y">Of the centroid, in pixels; 0 is the middle of the topmost row.</param>
/// <param name="Area">In pixels.</param>
/// <param name="Likeness">Soft intersection over union with the most similar template, in [0, 1].</param>
internal sealed record SeenObject(ShapeClass? Shape, ShapeColor Color, double X, double Y, int Area, double Likeness);
