namespace LeapAlign.Bench.Fuzz;

/// <summary>Makes a file smaller as long as it fails: pieces are taken out, large ones first.</summary>
internal static class Shrinking
{
    /// <summary>Shrinks a file.</summary>
    /// <param name="input">A file that fails.</param>
    /// <param name="steps">How many smaller ones are tried at most.</param>
    /// <param name="fails">Whether a smaller one fails in the same way.</param>
    public static byte[] Shrink(byte[] input, int steps, Func<byte[], bool> fails)
    {
        for (var size = input.Length / 2; size > 0; size = size > 8 ? size / 2 : size - 1)
        {
            for (var at = 0; at + size <= input.Length;)
            {
                if (steps-- <= 0) return input;
                byte[] smaller = [.. input[..at], .. input[(at + size)..]];
                if (fails(smaller)) input = smaller;
                else at += size;
            }
        }
        return input;
    }
}
