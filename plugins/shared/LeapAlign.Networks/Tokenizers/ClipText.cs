using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using ADRaffy.ENSNormalize;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>Cleans a caption and splits it into the words that byte pairs are merged in, as the public CLIP tokenizers do.</summary>
internal static partial class ClipText
{
    private static readonly string[] Contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

    /// <summary>The tokens that frame a text, as the pattern of the transformers library has them.</summary>
    public static readonly IReadOnlyList<string> Framed = ["<|startoftext|>", "<|endoftext|>"];

    private enum Kind
    {
        Space,
        Letter,
        Number,
        Other,
    }

    /// <summary>Replaces unpaired surrogates, which have no UTF-8 form.</summary>
    public static string WellFormed(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    /// <summary>Composed (NFC).</summary>
    /// <remarks>By a library because string.Normalize needs ICU, which not every machine has.</remarks>
    public static string Composed(string text) => Ascii.IsValid(text) ? text : ENSNormalize.NF.NFC(text);

    /// <summary>Whether it is a number of any kind (Unicode's N).</summary>
    public static bool IsNumber(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;

    /// <summary>Composed (NFC) lower case with single spaces.</summary>
    public static string Clean(string text) =>
        // Lower-casing keeps İ (U+0130): what it becomes has two code points.
        Spaces().Replace(Composed(text), " ").ToLowerInvariant().Replace("\u0130", "i\u0307", StringComparison.Ordinal);

    /// <summary>The words of a cleaned text: contractions, runs of letters, single digits and runs of what else is not space.</summary>
    /// <param name="text">The text.</param>
    /// <param name="whole">Spellings that are words of their own where one begins.</param>
    public static IEnumerable<string> Words(string text, IReadOnlyList<string> whole)
    {
        var start = 0;
        while (start < text.Length)
        {
            var (kind, width) = KindAt(text, start);
            if (kind == Kind.Space)
            {
                start += width;
                continue;
            }
            if (whole.FirstOrDefault(token => StartsWith(text, start, token)) is { } framed)
            {
                yield return framed;
                start += framed.Length;
                continue;
            }
            var end = Contractions.FirstOrDefault(word => StartsWith(text, start, word)) is { } contraction ? start + contraction.Length
                : kind == Kind.Number ? start + width
                : RunEnd(text, start + width, kind);
            yield return text[start..end];
            start = end;
        }
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();

    private static int RunEnd(string text, int end, Kind kind)
    {
        while (end < text.Length && KindAt(text, end) is var (next, width) && next == kind) end += width;
        return end;
    }

    private static bool StartsWith(string text, int start, string word) => text.AsSpan(start).StartsWith(word, StringComparison.Ordinal);

    // Whole code points, not UTF-16 units: letters beyond U+FFFF are letters too.
    private static (Kind Kind, int Width) KindAt(string text, int index)
    {
        var rune = Rune.GetRuneAt(text, index);
        var kind = Rune.IsWhiteSpace(rune) ? Kind.Space : Rune.IsLetter(rune) ? Kind.Letter : IsNumber(rune) ? Kind.Number : Kind.Other;
        return (kind, rune.Utf16SequenceLength);
    }
}
