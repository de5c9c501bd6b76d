using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using ADRaffy.ENSNormalize;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>
/// What open_clip does to a caption before it looks for words: it repairs what ftfy repairs (entities of HTML, UTF-8 that was read as Windows-1252, ligatures, full-width and
/// half-width characters, curled quotes, control characters), undoes entities twice, and lowers the case.
/// </summary>
/// <remarks>Of HTML's entities the 253 of HTML 4 are known, and in the forms without semicolon those that browsers know.</remarks>
internal static partial class OpenClipText
{
    private const char FirstWide = '\uff01';
    private const char LastWide = '\uff5e';
    private const char FirstKatakana = '\uff61';

    // What stands at U+FF61 to U+FF9F, at U+FFA0 to U+FFDC and at U+FFE0 to U+FFEE, in normal width; a space stands for none.
    private const string Katakana = "。「」、・ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン\u3099\u309a";
    private const string Jamo =
        "\u1160\u1100\u1101\u11aa\u1102\u11ac\u11ad\u1103\u1104\u1105\u11b0\u11b1\u11b2\u11b3\u11b4\u11b5\u111a\u1106\u1107\u1108\u1121\u1109\u110a\u110b\u110c\u110d\u110e\u110f\u1110\u1111\u1112"
        + "   \u1161\u1162\u1163\u1164\u1165\u1166  \u1167\u1168\u1169\u116a\u116b\u116c  \u116d\u116e\u116f\u1170\u1171\u1172  \u1173\u1174\u1175   ";

    private const string Signs = "¢£¬ ¦¥₩ │←↑→↓■○";
    private const string NarrowAll = Katakana + Jamo + Signs;

    private const string Ligatures = "ĲĳŉǱǲǳǄǅǆǇǈǉǊǋǌﬀﬁﬂﬃﬄﬅﬆ";
    private static readonly string[] s_letters = ["IJ", "ij", "'n", "DZ", "Dz", "dz", "DŽ", "Dž", "dž", "LJ", "Lj", "lj", "NJ", "Nj", "nj", "ff", "fi", "fl", "ffi", "ffl", "ſt", "st"];

    // Windows-1252 where it is not Latin-1: the bytes 0x80 to 0x9F, those without a character being themselves.
    private const string Windows = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ";
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The caption as open_clip reads it.</summary>
    public static string Clean(string text)
    {
        var repaired = Ascii.IsValid(text) && !text.Contains('&', StringComparison.Ordinal) && !text.Any(char.IsControl) ? text : Unescape(Unescape(Repair(text)));
        return Lower(Spaces().Replace(repaired, " ").Trim());
    }

    private static string Repair(string text)
    {
        // Where there is a tag, entities are left as they are.
        if (!text.Contains('<', StringComparison.Ordinal)) text = Unescape(text);
        text = Decode(text);
        var repaired = new StringBuilder(text.Length);
        foreach (var character in Escapes().Replace(text, "")) Append(repaired, character);
        return ENSNormalize.NF.NFC(repaired.ToString());
    }

    private static void Append(StringBuilder text, char character)
    {
        if (Ligatures.IndexOf(character, StringComparison.Ordinal) is >= 0 and var ligature) text.Append(s_letters[ligature]);
        else if (character is >= '\u0080' and <= '\u009f') text.Append(Uncurled(Windows[character - '\u0080']));
        else if (character is >= FirstWide and <= LastWide) text.Append(Uncurled((char)(character - FirstWide + '!')));
        else if (character == '\uffe3') text.Append(" \u0304");
        else if (character is >= FirstKatakana and <= '\uffee' && NarrowAll[character - FirstKatakana] is not ' ' and var narrow) text.Append(narrow);
        else if (!IsControl(character)) text.Append(Uncurled(character));
    }

    private static char Uncurled(char character) => character switch
    {
        '\u02bc' or (>= '\u2018' and <= '\u201b') => '\'',
        >= '\u201c' and <= '\u201f' => '"',
        _ => character,
    };

    private static bool IsControl(char character) => character is (< ' ' and not ('\t' or '\n' or '\f' or '\r')) or '\u007f' or (>= '\u206a' and <= '\u206f') or '\ufeff' or (>= '\ufff9' and <= '\ufffc');

    // UTF-8 whose bytes were taken for Windows-1252 shows as pairs like Ã©. A text all of whose characters are such bytes, and whose bytes are UTF-8, was written so.
    private static string Decode(string text)
    {
        if (Ascii.IsValid(text)) return text;
        var bytes = new byte[text.Length];
        for (var i = 0; i < text.Length; i++)
        {
            var known = Windows.IndexOf(text[i], StringComparison.Ordinal);
            if (known < 0 && text[i] > '\u00ff') return text;
            bytes[i] = known < 0 ? (byte)text[i] : (byte)(0x80 + known);
        }
        try
        {
            return s_strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return text;
        }
    }

    private static string Unescape(string text) => text.Contains('&', StringComparison.Ordinal) ? Entities().Replace(text, static match => Entity(match.Value)) : text;

    private static string Entity(string written)
    {
        var isWhole = written.EndsWith(';');
        if (written[1] == '#') return WebUtility.HtmlDecode(isWhole ? written : $"{written};");
        if (isWhole && Named(written[1..^1]) is { } named) return named;
        // Names of Latin-1 count without semicolon, also where letters follow.
        for (var end = written.Length; end > 2; end--)
        {
            if (Named(written[1..end]) is { Length: 1 } latin && latin[0] <= '\u00ff' && written[1..end] != "apos") return latin + written[end..];
        }
        return written;
    }

    private static string? Named(string name)
    {
        // These few are known in capitals, too.
        var entity = $"&{(name is "AMP" or "LT" or "GT" or "QUOT" or "COPY" or "REG" ? name.ToLowerInvariant() : name)};";
        var decoded = WebUtility.HtmlDecode(entity);
        return decoded == entity ? null : decoded;
    }

    // As Python lowers: İ becomes two code points, and Σ at the end of a word is ς.
    private static string Lower(string text)
    {
        var lower = text.ToLowerInvariant().Replace("\u0130", "i\u0307", StringComparison.Ordinal);
        return text.Contains('Σ', StringComparison.Ordinal) ? FinalSigma().Replace(text, "ς").ToLowerInvariant().Replace("\u0130", "i\u0307", StringComparison.Ordinal) : lower;
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();

    [GeneratedRegex(@"\x1b\[((?:\d|;)*)([a-zA-Z])")]
    private static partial Regex Escapes();

    [GeneratedRegex(@"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)")]
    private static partial Regex Entities();

    [GeneratedRegex(@"(?<=[\p{Lu}\p{Ll}\p{Lt}][\p{Mn}\p{Me}\p{Cf}\p{Lm}\p{Sk}'.:·’]*)Σ(?![\p{Mn}\p{Me}\p{Cf}\p{Lm}\p{Sk}'.:·’]*[\p{Lu}\p{Ll}\p{Lt}])")]
    private static partial Regex FinalSigma();
}
