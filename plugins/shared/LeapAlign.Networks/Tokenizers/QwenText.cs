using System.Text;
using System.Text.RegularExpressions;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>Splits a text into the words that byte pairs are merged in, as the public Qwen tokenizers do. Every character is in one of them.</summary>
internal static partial class QwenText
{
    // Stand-ins for code points beyond U+FFFF, which a pattern sees as two units: a letter and a number of no contraction, and a symbol.
    private const char Letter = 'b', Number = '0', Symbol = '#';

    /// <summary>The words of a composed text: letters with one space or symbol before them, single digits, symbols with one space before and the ends of lines behind them, and space.</summary>
    public static IEnumerable<string> Words(string text)
    {
        if (text.All(static unit => !char.IsSurrogate(unit)))
        {
            foreach (Match match in Word().Matches(text)) yield return match.Value;
            yield break;
        }
        var kinds = new StringBuilder();
        List<int> starts = [];
        for (var at = 0; at < text.Length; at += Rune.GetRuneAt(text, at).Utf16SequenceLength)
        {
            var rune = Rune.GetRuneAt(text, at);
            starts.Add(at);
            kinds.Append(rune.IsBmp ? (char)rune.Value : Rune.IsLetter(rune) ? Letter : ClipText.IsNumber(rune) ? Number : Symbol);
        }
        starts.Add(text.Length);
        foreach (Match match in Word().Matches(kinds.ToString())) yield return text[starts[match.Index]..starts[match.Index + match.Length]];
    }

    [GeneratedRegex(@"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+", RegexOptions.CultureInvariant)]
    private static partial Regex Word();
}
