using System.Globalization;
using System.Text;

namespace LeapAlign.Pipeline;

/// <summary>
/// Makes a text fit to stand in a line that a terminal shows. Parts of it come from files of others: a line break would forge a second line, an escape
/// sequence would be obeyed, a name of a megabyte would hide everything else.
/// </summary>
internal static class OneLine
{
    private const int Tail = 200;

    /// <summary>The text with what does not show escaped, and its middle left out when it is long.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="longest">The most characters that are kept, more than 200: the end of a sentence says what would be right.</param>
    public static string Of(string text, int longest)
    {
        var kept = Cut(text, longest);
        if (!kept.AsSpan().ContainsAnyExceptInRange(' ', '~') || !kept.Any(Hides)) return kept;
        var shown = new StringBuilder(kept.Length);
        foreach (var character in kept)
        {
            if (Hides(character)) shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
            else shown.Append(character);
        }
        // An escape is six times as long as what it stands for.
        return Cut(shown.ToString(), longest);
    }

    private static string Cut(string text, int longest) => text.Length <= longest ? text : $"{text[..(longest - Tail)]}...{text[^Tail..]}";

    // Control characters, ends of lines, and what turns the direction of writing around.
    private static bool Hides(char character) =>
        char.IsControl(character) || character is '\u2028' or '\u2029' or '\u200e' or '\u200f' or (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069');
}
