using System.Text;

namespace LeapAlign.Host.Configuration;

/// <summary>Puts what a user wrote into a sentence: on one line, and not longer than the sentence.</summary>
internal static class Quoted
{
    private const int Longest = 60;

    /// <summary>The text in quotes; control characters are escaped, a long text is cut.</summary>
    public static string Words(string text)
    {
        var words = new StringBuilder("'");
        foreach (var character in text.Length > Longest ? text[..(Longest - 3)] : text)
        {
            if (char.IsControl(character)) words.Append(System.Globalization.CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
            else words.Append(character);
        }
        return words.Append(text.Length > Longest ? "...'" : "'").ToString();
    }
}
