using System.Globalization;
using System.Text;
using ADRaffy.ENSNormalize;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>Cleans a text and splits it into words as BERT's uncased tokenizer does.</summary>
internal static class BertText
{
    /// <summary>Lower case without accents and control characters; Chinese characters stand alone.</summary>
    /// <remarks>The decomposition comes from a library because string.Normalize needs ICU, which not every machine has.</remarks>
    public static string Clean(string text)
    {
        var spaced = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (IsSpace(rune)) spaced.Append(' ');
            else if (IsChinese(rune.Value)) spaced.Append(' ').Append(rune.ToString()).Append(' ');
            else if (rune.Value != 0xfffd && !IsControl(rune)) spaced.Append(rune.ToString());
        }
        var plain = Ascii.IsValid(text) ? spaced.ToString() : string.Concat(ENSNormalize.NF.NFD(spaced.ToString()).EnumerateRunes().Where(static rune => Rune.GetUnicodeCategory(rune) != UnicodeCategory.NonSpacingMark));
        return plain.ToLowerInvariant();
    }

    /// <summary>The words of a cleaned text: what lies between spaces, each punctuation character by itself.</summary>
    public static IEnumerable<string> Words(string text)
    {
        var word = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            var isPunctuation = IsPunctuation(rune);
            if (word.Length > 0 && (isPunctuation || Rune.IsWhiteSpace(rune)))
            {
                yield return word.ToString();
                word.Clear();
            }
            if (isPunctuation) yield return rune.ToString();
            else if (!Rune.IsWhiteSpace(rune)) word.Append(rune.ToString());
        }
        if (word.Length > 0) yield return word.ToString();
    }

    private static bool IsSpace(Rune rune) => rune.Value is '\t' or '\n' or '\r' || Rune.GetUnicodeCategory(rune) == UnicodeCategory.SpaceSeparator;

    private static bool IsControl(Rune rune) => Rune.GetUnicodeCategory(rune) is
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse or UnicodeCategory.Surrogate or UnicodeCategory.OtherNotAssigned;

    // All signs of ASCII count, also those that Unicode calls symbols.
    private static bool IsPunctuation(Rune rune) => rune.Value is (>= 33 and <= 47) or (>= 58 and <= 64) or (>= 91 and <= 96) or (>= 123 and <= 126)
        || Rune.GetUnicodeCategory(rune) is UnicodeCategory.ConnectorPunctuation or UnicodeCategory.DashPunctuation or UnicodeCategory.OpenPunctuation or UnicodeCategory.ClosePunctuation
            or UnicodeCategory.InitialQuotePunctuation or UnicodeCategory.FinalQuotePunctuation or UnicodeCategory.OtherPunctuation;

    private static bool IsChinese(int value) => value is (>= 0x4e00 and <= 0x9fff) or (>= 0x3400 and <= 0x4dbf) or (>= 0x20000 and <= 0x2a6df) or (>= 0x2a700 and <= 0x2b73f)
        or (>= 0x2b740 and <= 0x2b81f) or (>= 0x2b820 and <= 0x2ceaf) or (>= 0xf900 and <= 0xfaff) or (>= 0x2f800 and <= 0x2fa1f);
}
