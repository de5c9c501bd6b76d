using LeapAlign.Storage.Disks;
using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace LeapAlign.Storage.Safetensors;

/// <summary>Moves tensor memory to and from a file in pieces: a span, and one system call, end at 2 GB.</summary>
internal static class TensorBytes
{
    private const long PieceBytes = 1L << 26;

    /// <summary>Fills a contiguous CPU tensor from the file, straight into its memory.</summary>
    /// <returns>Whether the file had enough bytes.</returns>
    public static bool Read(SafeFileHandle file, long position, Tensor tensor)
    {
        foreach (var piece in Pieces(tensor))
        {
            using (piece)
            {
                var bytes = piece.bytes;
                while (bytes.Length > 0)
                {
                    var count = RandomAccess.Read(file, bytes, position);
                    if (count == 0) return false;
                    bytes = bytes[count..];
                    position += count;
                }
            }
        }
        return true;
    }

    /// <summary>Writes the memory of a contiguous CPU tensor.</summary>
    public static void Write(IDiskFile file, Tensor tensor)
    {
        foreach (var piece in Pieces(tensor))
        {
            using (piece) file.Write(piece.bytes);
        }
    }

    private static IEnumerable<Tensor> Pieces(Tensor tensor)
    {
        using var flat = tensor.view(-1);
        var count = flat.shape[0];
        var step = PieceBytes / tensor.element_size();
        for (var start = 0L; start < count; start += step) yield return flat.narrow(0, start, Math.Min(step, count - start));
    }
}
