using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>
/// The normalisation of a SentencePiece model: a table of replacements, of which the longest that fits at a place is applied, then single spaces, one of
/// them in front, written <c>▁</c>. The tokenizer library's own keeps the characters that the table removes.
/// </summary>
internal sealed class SentencePieceNormalizer
{
    private const char Space = '\u2581';

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

    /// <summary>Normalises a well-formed text; what holds nothing but spaces becomes empty.</summary>
    public string Normalize(string text)
    {
        var replaced = Replace(Encoding.UTF8.GetBytes(text));
        var words = replaced.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Length == 0 ? "" : (Space + string.Join(Space, words)).TrimEnd(Space);
    }

    private string Replace(ReadOnlySpan<byte> text)
    {
        var output = new List<byte>(text.Length);
        while (!text.IsEmpty)
        {
            var (width, replacement) = Longest(text);
            if (width > 0 && replacement < _replacements.Length)
            {
                var tail = _replacements.AsSpan(replacement);
                output.AddRange(tail[..tail.IndexOf((byte)0)]);
            }
            else
            {
                Rune.DecodeFromUtf8(text, out _, out width);
                output.AddRange(text[..width]);
            }
            text = text[width..];
        }
        return Encoding.UTF8.GetString(CollectionsMarshal.AsSpan(output));
    }

    private (int Width, int Replacement) Longest(ReadOnlySpan<byte> text)
    {
        (int, int) longest = default;
        if (_trie.Length == 0) return longest;
        var node = Offset(_trie[0]);
        for (var i = 0; i < text.Length; i++)
        {
            node ^= text[i];
            if (node >= _trie.Length || (_trie[node] & 0x8000_00ff) != text[i]) break;
            var unit = _trie[node];
            node ^= Offset(unit);
            if ((unit & 0x100) != 0 && node < _trie.Length) longest = (i + 1, (int)(_trie[node] & 0x7fff_ffff));
        }
        return longest;
    }

    private static uint Offset(uint unit) => (unit >> 10) << (int)((unit & 0x200) >> 6);
}
