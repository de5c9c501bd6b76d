namespace LeapAlign.Shapes;

/// <summary>The shapes.</summary>
public enum ShapeClass
{
    /// <summary>x² + y² ≤ 1.</summary>
    Circle,

    /// <summary>Half a side is 0.88.</summary>
    Square,

    /// <summary>Regular, circumradius 1.28, apex up.</summary>
    Triangle,

    /// <summary>Five points, outer radius 1.28, inner 0.55, a point up.</summary>
    Star,

    /// <summary>Arms of half-length 1.08 and half-width 0.40.</summary>
    Cross,

    /// <summary>Between the radii 0.58 and 1.1.</summary>
    Ring,
}

/// <summary>The colours, in the order of <see cref="Palette"/>.</summary>
public enum ShapeColor
{
    /// <summary>.86 .13 .13</summary>
    Red,

    /// <summary>.98 .55 .08</summary>
    Orange,

    /// <summary>.95 .86 .12</summary>
    Yellow,

    /// <summary>.13 .62 .25</summary>
    Green,

    /// <summary>.13 .33 .86</summary>
    Blue,

    /// <summary>.52 .18 .70</summary>
    Purple,

    /// <summary>.97 .52 .76</summary>
    Pink,

    /// <summary>.08 .08 .08</summary>
    Black,
}
