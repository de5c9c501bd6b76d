using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>
/// The normalisation of a SentencePiece model: a table of replacements, applied as the transformers library applies it. The tokenizer library's own keeps the
/// characters that the table removes.
/// </summary>
internal sealed class SentencePieceNormalizer
{
    private const int LongestGrapheme = 5;

    // Units of the double array (darts-clone): bits 0-7 label, 8 has a value, 9 wide offset, 10-30 offset; a value has bit 31 set.
    private readonly uint[] _trie;
    private readonly byte[] _replacements;

    private SentencePieceNormalizer(uint[] trie, byte[] replacements)
    {
        _trie = trie;
        _replacements = replacements;
    }

    /// <summary>Reads a precompiled table: the trie's length in bytes (little-endian), the trie, then replacements that end with NUL.</summary>
    /// <param name="table">The table; empty when nothing is replaced.</param>
    /// <returns>The normaliser, or null when the table is damaged.</returns>
    public static SentencePieceNormalizer? Create(ReadOnlySpan<byte> table)
    {
        if (table.IsEmpty) return new SentencePieceNormalizer([], []);
        if (table.Length < 4 || BinaryPrimitives.ReadUInt32LittleEndian(table) is var size && (size == 0 || size % 4 != 0 || size > table.Length - 4)) return null;
        var units = MemoryMarshal.Cast<byte, uint>(table.Slice(4, (int)size)).ToArray();
        if (!BitConverter.IsLittleEndian) BinaryPrimitives.ReverseEndianness(units, units);
        var replacements = table[(4 + (int)size)..].ToArray();
        return replacements.Length > 0 && replacements[^1] == 0 ? new SentencePieceNormalizer(units, replacements) : null;
    }

    /// <summary>Replaces the characters of a well-formed text.</summary>
    /// <remarks>
    /// What the library does differs from SentencePiece itself: a grapheme of fewer than six bytes is replaced whole by what the shortest beginning that the table
    /// has stands for, and where the table has none of it, or it is longer, character by character.
    /// </remarks>
    public string Replace(string text)
    {
        if (_trie.Length == 0) return text;
        var output = new StringBuilder(text.Length);
        var graphemes = StringInfo.GetTextElementEnumerator(text);
        Span<byte> bytes = stackalloc byte[LongestGrapheme];
        while (graphemes.MoveNext())
        {
            var grapheme = graphemes.GetTextElement();
            if (Encoding.UTF8.GetByteCount(grapheme) <= LongestGrapheme && Shortest(bytes[..Encoding.UTF8.GetBytes(grapheme, bytes)]) is { } whole)
            {
                output.Append(whole);
                continue;
            }
            foreach (var rune in grapheme.EnumerateRunes())
            {
                if (Shortest(bytes[..rune.EncodeToUtf8(bytes)]) is { } replaced) output.Append(replaced);
                else output.Append(rune);
            }
        }
        return output.ToString();
    }

    private string? Shortest(ReadOnlySpan<byte> text)
    {
        var node = Offset(_trie[0]);
        foreach (var letter in text)
        {
            node ^= letter;
            if (node >= _trie.Length || (_trie[node] & 0x8000_00ff) != letter) return null;
            var unit = _trie[node];
            node ^= Offset(unit);
            if ((unit & 0x100) == 0 || node >= _trie.Length) continue;
            var place = (int)(_trie[node] & 0x7fff_ffff);
            if (place >= _replacements.Length) return null;
            var tail = _replacements.AsSpan(place);
            return Encoding.UTF8.GetString(tail[..tail.IndexOf((byte)0)]);
        }
        return null;
    }

    private static uint Offset(uint unit) => (unit >> 10) << (int)((unit & 0x200) >> 6);
}
