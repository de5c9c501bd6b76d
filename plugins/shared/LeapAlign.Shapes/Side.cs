namespace LeapAlign.Shapes;

/// <summary>On which side of another shape a shape lies, y pointing down.</summary>
public enum Side
{
    /// <summary>x is smaller.</summary>
    LeftOf,

    /// <summary>x is larger.</summary>
    RightOf,

    /// <summary>y is smaller.</summary>
    Above,

    /// <summary>y is larger.</summary>
    Below,
}

/// <summary>What a side means.</summary>
public static class Sides
{
    /// <summary>The words of captions and metadata.</summary>
    public static string Words(this Side side) => side switch
    {
        Side.LeftOf => "left of",
        Side.RightOf => "right of",
        Side.Above => "above",
        _ => "below",
    };

    /// <summary>Whether a point lies on that side of another by more than a margin.</summary>
    /// <param name="side">The side.</param>
    /// <param name="subject">The point.</param>
    /// <param name="reference">The other point.</param>
    /// <param name="margin">In the units of the points.</param>
    public static bool Holds(this Side side, (double X, double Y) subject, (double X, double Y) reference, double margin) => side switch
    {
        Side.LeftOf => subject.X < reference.X - margin,
        Side.RightOf => subject.X > reference.X + margin,
        Side.Above => subject.Y < reference.Y - margin,
        _ => subject.Y > reference.Y + margin,
    };
}
