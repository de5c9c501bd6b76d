using System.Text;
using LeapAlign.Contracts.Randomness;

namespace LeapAlign.Bench.Fuzz.Mutation;

/// <summary>Changes of bytes, whatever they mean.</summary>
internal static class ByteMutation
{
    private static readonly byte[][] s_pieces =
    [
        [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF0, 0x9F], [0xF5, 0x80, 0x80, 0x80], [0xEF, 0xBB, 0xBF], [0], [0x1B], [0xE2, 0x80, 0xA8], [0x85],
        .. new[] { "\"", "\\", "{", "}", "[", "]", ":", ",", "\n", "\r\n", "/*", "*/", "//x\n", "/**/", "\\u", "\\ud83d", "null", "1e9", "-", "#", "'", "\t" }.Select(Encoding.UTF8.GetBytes),
    ];

    /// <summary>Changes a file in one way.</summary>
    public static byte[] Apply(byte[] input, KeyedRandom random)
    {
        if (input.Length == 0) return JsonMutation.Pick(s_pieces, random);
        var at = random.NextInt(0, input.Length);
        var length = Math.Min(random.NextInt(1, 17), input.Length - at);
        switch (random.NextInt(0, 7))
        {
            case 0:
                var flipped = (byte[])input.Clone();
                flipped[at] ^= (byte)(1 << random.NextInt(0, 8));
                return flipped;
            case 1:
                var changed = (byte[])input.Clone();
                changed[at] = (byte)random.NextInt(0, 256);
                return changed;
            case 2:
                return [.. input[..at], .. input[(at + length)..]];
            case 3:
                return [.. input[..at], .. input[at..(at + length)], .. input[at..]];
            case 4:
                return input[..at];
            default:
                return [.. input[..at], .. JsonMutation.Pick(s_pieces, random), .. input[at..]];
        }
    }
}
