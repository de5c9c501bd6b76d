namespace LeapAlign.Networks.Tokenizers;

/// <summary>A caption as a text encoder reads it.</summary>
/// <param name="Ids">The ids [length], special tokens and padding included.</param>
/// <param name="WasCut">Whether the caption has more tokens than fit, so that its end is lost.</param>
public sealed record TokenizedText(long[] Ids, bool WasCut)
{
    /// <summary>Frames tokens, cutting those that do not fit and padding what is left.</summary>
    internal static TokenizedText Frame(IReadOnlyList<int> tokens, int length, (long? Begin, long End, long Pad) special)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 2);
        var ids = new long[length];
        Array.Fill(ids, special.Pad);
        var next = 0;
        if (special.Begin is { } begin) ids[next++] = begin;
        var kept = Math.Min(tokens.Count, length - next - 1);
        for (var i = 0; i < kept; i++) ids[next++] = tokens[i];
        ids[next] = special.End;
        return new TokenizedText(ids, kept < tokens.Count);
    }
}
