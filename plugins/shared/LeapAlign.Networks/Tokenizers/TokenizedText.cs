namespace LeapAlign.Networks.Tokenizers;

/// <summary>A caption as a text encoder reads it.</summary>
/// <param name="Ids">The ids [length], special tokens and padding included.</param>
/// <param name="WasCut">Whether the caption has more tokens than fit, so that a part of it is lost.</param>
public sealed record TokenizedText(long[] Ids, bool WasCut)
{
    /// <summary>Frames tokens, cutting those that do not fit and padding what is left.</summary>
    internal static TokenizedText Frame(IReadOnlyList<int> tokens, int length, (long? Begin, long End, long Pad) special, TokenSides sides)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 2);
        var room = length - (special.Begin is null ? 1 : 2);
        var kept = Math.Min(tokens.Count, room);
        var ids = new long[length];
        Array.Fill(ids, special.Pad);
        var next = sides.PadsLeft ? room - kept : 0;
        if (special.Begin is { } begin) ids[next++] = begin;
        var first = sides.CutsLeft ? tokens.Count - kept : 0;
        for (var i = 0; i < kept; i++) ids[next++] = tokens[first + i];
        ids[next] = special.End;
        return new TokenizedText(ids, kept < tokens.Count);
    }
}

/// <summary>On which side of a text a tokenizer pads and cuts; on the right unless its files say otherwise.</summary>
/// <param name="PadsLeft">Whether padding comes first.</param>
/// <param name="CutsLeft">Whether the beginning of a text is lost when it does not fit.</param>
internal readonly record struct TokenSides(bool PadsLeft, bool CutsLeft);
