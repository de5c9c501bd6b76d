using System.Buffers.Binary;
using System.Security.Cryptography;

namespace LeapAlign.Host.Runs.Joined;

/// <summary>Tells files of weights apart without reading all of them: two trainings of one model differ everywhere.</summary>
internal static class FileSample
{
    private const int PieceBytes = 64 << 10, Pieces = 64;

    /// <summary>The SHA-256 of the length and of the content: of all of it up to 4 MiB; of the first and the last 64 KiB and 62 pieces between, evenly spaced, of a longer one.</summary>
    /// <param name="path">The file.</param>
    /// <returns>Its first 16 digits, or why it cannot be read.</returns>
    public static string Digest(string path)
    {
        try
        {
            using var file = File.OpenHandle(path);
            var length = RandomAccess.GetLength(file);
            using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var head = new byte[sizeof(long)];
            BinaryPrimitives.WriteInt64LittleEndian(head, length);
            digest.AppendData(head);
            var buffer = new byte[PieceBytes];
            var whole = length <= (long)PieceBytes * Pieces;
            for (var piece = 0; piece < Pieces; piece++)
            {
                var at = whole ? (long)piece * PieceBytes : (length - PieceBytes) * piece / (Pieces - 1);
                if (at >= length) break;
                digest.AppendData(buffer, 0, RandomAccess.Read(file, buffer, at));
            }
            return Convert.ToHexStringLower(digest.GetHashAndReset())[..16];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "not to be read";
        }
    }
}
