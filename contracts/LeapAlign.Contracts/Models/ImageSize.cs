namespace LeapAlign.Contracts.Models;

/// <summary>A picture's size.</summary>
/// <param name="Width">In pixels.</param>
/// <param name="Height">In pixels.</param>
public sealed record ImageSize(int Width, int Height)
{
    /// <summary><c>width x height</c>.</summary>
    public override string ToString() => $"{Width} x {Height}";
}
