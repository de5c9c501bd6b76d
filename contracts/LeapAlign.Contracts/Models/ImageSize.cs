using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace LeapAlign.Contracts.Models;

/// <summary>A picture's size.</summary>
/// <param name="Width">In pixels.</param>
/// <param name="Height">In pixels.</param>
public sealed record ImageSize(int Width, int Height)
{
    /// <summary>How a size is written in settings and on the command line: <c>512x512</c>.</summary>
    public const string Pattern = "^[1-9][0-9]{0,4}[xX][1-9][0-9]{0,4}$";

    /// <summary><see cref="Pattern"/> in words, to be put behind "is not" or "is".</summary>
    public const string Form = "a width and a height in pixels, such as 512x512";

    /// <summary>Reads a size that is written as <see cref="Pattern"/> says.</summary>
    /// <param name="text">For instance <c>512x512</c>.</param>
    /// <param name="size">The size; null when the text is none.</param>
    public static bool TryParse(string? text, [NotNullWhen(true)] out ImageSize? size)
    {
        size = text?.Split('x', 'X') is [var width, var height] && Pixels(width) is { } across && Pixels(height) is { } down ? new(across, down) : null;
        return size is not null;
    }

    /// <summary><c>width x height</c>.</summary>
    public override string ToString() => $"{Width} x {Height}";

    private static int? Pixels(string text) =>
        text is { Length: > 0 and <= 5 } && text[0] != '0' && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var pixels) ? pixels : null;
}
