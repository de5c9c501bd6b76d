namespace LeapAlign.Rewards.Ocr;

/// <summary>The text that a caption asks for: what it has in quotes.</summary>
internal static class QuotedText
{
    /// <summary>Reads "…", “…” and '…'; of the last kind only those that can be no apostrophes.</summary>
    /// <returns>All quoted texts in their order, one space between them; null when there is none.</returns>
    public static string? Of(string caption)
    {
        List<string> texts = [];
        for (var at = 0; at < caption.Length; at++)
        {
            if (End(caption, at) is not { } end) continue;
            if (caption[(at + 1)..end].Trim() is { Length: > 0 } text) texts.Add(text);
            at = end;
        }
        return texts.Count == 0 ? null : string.Join(' ', texts);
    }

    // Where a quote that begins here ends; null when none begins here, or it has no end.
    private static int? End(string caption, int at) => caption[at] switch
    {
        '"' => Next(caption, at, '"'),
        '\u201c' => Next(caption, at, '\u201d'),
        '\'' when Opens(caption, at) => Closing(caption, at),
        _ => null,
    };

    private static int? Next(string caption, int at, char mark) => caption.IndexOf(mark, at + 1) is > 0 and var end ? end : null;

    // The dogs' sign, it's: after a letter stands an apostrophe, or the end of a quote.
    private static bool Opens(string caption, int at) =>
        (at == 0 || !char.IsLetterOrDigit(caption[at - 1])) && at + 1 < caption.Length && !char.IsWhiteSpace(caption[at + 1]);

    // An apostrophe within a word closes nothing. Where another one opens first, this one was an apostrophe before a word: the '90s, 'til.
    private static int? Closing(string caption, int at)
    {
        for (var next = at + 1; next < caption.Length; next++)
        {
            if (caption[next] != '\'') continue;
            if (!char.IsWhiteSpace(caption[next - 1]) && (next + 1 == caption.Length || !char.IsLetterOrDigit(caption[next + 1]))) return next;
            if (Opens(caption, next)) return null;
        }
        return null;
    }
}
